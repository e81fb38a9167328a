"""What rates cost a request, beside DRF's throttles and django-ratelimit's decorator.

    REDIS_URL=redis://... python -m benchmarks.rates [requests]

All run in one process, in turns, against one Redis; the lowest time of several rounds is kept. The
time of the same view without rates is taken off.
"""

from __future__ import annotations

import os
import sys
import time

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")

import django

django.setup()

from django.core.cache import caches  # noqa: E402
from django.core.management import call_command  # noqa: E402
from django.utils.decorators import method_decorator  # noqa: E402
from django_ratelimit.decorators import ratelimit  # noqa: E402
from rest_framework.response import Response  # noqa: E402
from rest_framework.test import APIRequestFactory  # noqa: E402
from rest_framework.throttling import AnonRateThrottle  # noqa: E402
from rest_framework.views import APIView  # noqa: E402

from api_guard import PUBLIC, guard, sliding  # noqa: E402

ROUNDS = 7
RATES = ("1000000/h", "1000000/d", "1000000/m")


class Answer(APIView):
    authentication_classes = []
    permission_classes = []

    def get(self, request):
        return Response("answer")


def by_guard(*rates):
    return guard(read=PUBLIC, throttle=rates or None)(type("Guarded", (Answer,), {})).as_view()


def by_drf(*rates, base=AnonRateThrottle):
    throttles = [type(f"T{n}", (base,), {"rate": r, "scope": r}) for n, r in enumerate(rates)]
    return type("Throttled", (Answer,), {"throttle_classes": throttles}).as_view()


def by_decorator(*rates):
    # A limit of its own for each, as three decorators on one view would count together.
    get = Answer.get
    for number, rate in enumerate(rates):
        get = method_decorator(ratelimit(key="ip", rate=rate, group=f"g{number}"))(get)
    return type("Limited", (Answer,), {"get": get}).as_view()


def measure(views, requests):
    factory = APIRequestFactory()
    best = dict.fromkeys(views, float("inf"))
    for _ in range(ROUNDS):
        for name, view in views.items():
            started = time.perf_counter()
            for _ in range(requests):
                assert view(factory.get("/")).status_code == 200
            best[name] = min(best[name], (time.perf_counter() - started) / requests)
    return best


def main():
    requests = int(sys.argv[1]) if len(sys.argv) > 1 else 200
    call_command("migrate", verbosity=0, run_syncdb=True)
    caches["default"].clear()
    views = {"nothing": {n: make() for n, make in MAKERS.items()}}
    views["one rate"] = {n: make(RATES[0]) for n, make in MAKERS.items()}
    views["three rates"] = {n: make(*RATES) for n, make in MAKERS.items()}
    views["one sliding"] = {"guard": by_guard(sliding(RATES[0]))}
    flat = {(what, n): view for what, some in views.items() for n, view in some.items()}
    measure(flat, 20)
    best = measure(flat, requests)
    print(f"{type(caches['default']).__name__}, {requests} requests, best of {ROUNDS} rounds")
    for (what, name), seconds in best.items():
        more = (seconds - best["nothing", name]) * 1e6
        print(f"{what:12} {name:18} {seconds * 1e6:7.0f} µs  {more:+7.0f} µs")


MAKERS = {"guard": by_guard, "DRF throttle": by_drf, "ratelimit decorator": by_decorator}

if __name__ == "__main__":
    main()
