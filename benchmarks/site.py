"""A site of three views with rates, for benchmarks.exact."""

from __future__ import annotations

import os

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")
# tests.settings would have each process count for itself.
os.environ.setdefault("REDIS_URL", "redis://127.0.0.1:6379/0")

from django.conf import settings
from django.core.wsgi import get_wsgi_application

settings.CACHES["default"]["KEY_PREFIX"] = "api_guard-exact"
settings.ROOT_URLCONF = __name__
application = get_wsgi_application()

from django.urls import path  # noqa: E402
from rest_framework.response import Response  # noqa: E402
from rest_framework.views import APIView  # noqa: E402

from api_guard import PUBLIC, guard, sliding  # noqa: E402


class View(APIView):
    def get(self, request, run, number):
        return Response()


def fresh(rates):
    """Route a view that counts each run apart: a new class, whose name is the run's."""
    views = {}

    def view(request, run, number):
        name = f"View{run}x{number}"
        if name not in views:
            cls = type(name, (View,), {"__module__": f"{__name__}.{len(rates)}"})
            views[name] = guard(read=PUBLIC, throttle=rates)(cls).as_view()
        return views[name](request, run=run, number=number)

    return view


urlpatterns = [
    path("one/<int:run>/<int:number>", fresh(("100/h",))),
    path("three/<int:run>/<int:number>", fresh(("100/h", "1000/d", "500/2h"))),
    path("sliding/<int:run>/<int:number>", fresh((sliding("100/h"), "1000/d"))),
]
