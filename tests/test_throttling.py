"""Rates through django-ratelimit's counters, and what happens without them."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from unittest.mock import patch

import pytest
from django.urls import path
from rest_framework.decorators import api_view, throttle_classes
from rest_framework.response import Response
from rest_framework.views import APIView

from api_guard import PUBLIC, guard, throttling
from api_guard.core.rates import Rate
from api_guard.exceptions import GuardError
from api_guard.throttling import RateThrottle

pytestmark = [pytest.mark.urls(__name__), pytest.mark.django_db]


@guard(read=PUBLIC, throttle=("3/h", "1000/d"))
@api_view(["GET"])
def ping(request):
    return Response("pong")


@guard(read="notes:read", write=PUBLIC, throttle={"read": "2/h", "DELETE": "1/h"})
class Slots(APIView):
    def get(self, request):
        return Response()

    def post(self, request):
        return Response()

    def delete(self, request):
        return Response()


@guard(read=PUBLIC)
@api_view(["GET"])
@throttle_classes([RateThrottle("1/h")])
def throttled(request):
    return Response("pong")


urlpatterns = [
    path("ping", ping),
    path("slots", Slots.as_view()),
    path("throttled", throttled),
]


def statuses(call, times):
    return [call().status_code for _ in range(times)]


def test_a_request_too_many_is_told_when_to_come_back(api):
    assert statuses(lambda: api.get("/ping"), 3) == [200] * 3
    refused = api.get("/ping")
    assert refused.status_code == 429
    assert refused.json() == {"detail": "Too many requests.", "code": "rate_limited"}
    assert 1 <= int(refused["Retry-After"]) <= 3601
    assert refused["RateLimit-Policy"] == '"3/h";q=3;w=3600, "1000/d";q=1000;w=86400'
    assert refused["RateLimit"].startswith('"3/h";r=0;t=')


def test_each_caller_is_counted_apart(api, alice, bob, application, issue):
    assert statuses(lambda: api.get("/ping"), 4)[-1] == 429
    assert api.get("/ping", REMOTE_ADDR="10.0.0.1").status_code == 200
    assert api.by_session(alice).get("/ping").status_code == 200
    assert api.by_session(bob).get("/ping").status_code == 200
    assert api.by_token(issue("notes:read")).get("/ping").status_code == 200


def test_refused_requests_count_too_and_slots_apart(api):
    assert statuses(lambda: api.get("/slots"), 3) == [401, 401, 429]
    assert statuses(lambda: api.post("/slots"), 3) == [200] * 3
    assert statuses(lambda: api.delete("/slots"), 2) == [200, 429]


def test_a_throttle_class_counts_what_the_permissions_admit(api):
    assert statuses(lambda: api.get("/throttled"), 2) == [200, 429]
    with pytest.raises(GuardError, match="RateThrottle"):
        RateThrottle("often")


def test_the_counters_are_exact_under_threads():
    rates = (Rate.parse("100/h"),)

    def one(_):
        return not any(usage.exceeded for usage in throttling.use("g", "user:1", rates))

    with ThreadPoolExecutor(16) as pool:
        assert sum(pool.map(one, range(400))) == 100


def test_switched_off_counters_count_nothing(api, settings):
    settings.RATELIMIT_ENABLE = False
    assert statuses(lambda: api.get("/ping"), 5) == [200] * 5


def broken(**fault):
    return patch("api_guard.throttling.get_usage", **fault)


@pytest.mark.parametrize(
    "fault",
    [
        {"side_effect": ConnectionError("refused")},
        {"return_value": None},
        {"return_value": {"limit": 0, "count": 0, "time_left": -1, "should_limit": True}},
    ],
)
@pytest.mark.parametrize(
    ("mode", "expected"),
    [
        ("local", [200, 200, 200, 429]),
        ("deny", [503] * 4),
        ("allow", [200] * 4),
        ("whatever", [503] * 4),
    ],
)
def test_without_the_counters_cache_the_setting_decides(api, settings, fault, mode, expected):
    settings.API_GUARD = {**settings.API_GUARD, "ON_FAULT": mode}
    with broken(**fault):
        assert statuses(lambda: api.get("/ping"), 4) == expected


def test_a_bug_of_the_counters_stays_a_bug(api):
    with broken(side_effect=ZeroDivisionError), pytest.raises(ZeroDivisionError):
        api.get("/ping")


def test_an_error_of_the_redis_client_is_a_fault(api):
    redis = pytest.importorskip("redis")
    with broken(side_effect=redis.exceptions.ResponseError("full")):
        assert statuses(lambda: api.get("/ping"), 4) == [200, 200, 200, 429]
