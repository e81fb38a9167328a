"""The admin, and 2,000 endpoints."""

from django.contrib import admin
from django.urls import path
from rest_framework.response import Response
from rest_framework.views import APIView

from api_guard import guard


class View(APIView):
    def get(self, request):
        return Response()


def _view(number):
    cls = type(f"View{number}", (View,), {"__module__": __name__})
    return guard(read=f"bench:scope{number % 500}", throttle="100/m")(cls).as_view()


urlpatterns = [
    path("admin/", admin.site.urls),
    *(path(f"things/{number}/", _view(number)) for number in range(2000)),
]
