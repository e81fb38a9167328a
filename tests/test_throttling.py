"""Rates on views: who is counted with whom, what is said, and what happens without the counters."""

from __future__ import annotations

import logging
import time
from unittest.mock import patch

import pytest
from django.core.cache import caches
from django.urls import path
from rest_framework.decorators import api_view, throttle_classes
from rest_framework.response import Response
from rest_framework.views import APIView

from api_guard import PUBLIC, budget, cost, guard, sliding
from api_guard.exceptions import GuardError
from api_guard.throttling import RateThrottle
from tests.servers import REDIS, TIMEOUT

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


shared = budget("search", "4/h")


@guard(read=PUBLIC, throttle=shared)
@api_view(["GET"])
def search(request):
    return Response()


@guard(read=PUBLIC, throttle=(cost(3, shared), "9/d"))
@api_view(["GET"])
def deep_search(request):
    return Response()


@guard(read=PUBLIC, throttle=sliding("2/h"))
@api_view(["GET"])
def slide(request):
    return Response()


@guard(read=PUBLIC)
@api_view(["GET"])
def free(request):
    return Response()


urlpatterns = [
    path("search", search),
    path("deep-search", deep_search),
    path("slide", slide),
    path("free", free),
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
    wait = int(refused["Retry-After"])
    assert refused.json() == {
        "detail": "Too many requests.",
        "code": "rate_limited",
        "rate": "3/h",
        "wait": wait,
        "decision": refused.json()["decision"],
    }
    assert 1 <= wait <= 3600
    assert refused["RateLimit-Policy"] == '"3/h";q=3;w=3600, "1000/d";q=1000;w=86400'
    # Retry-After is no earlier than the window that the field names (draft, §6).
    assert refused["RateLimit"] == f'"3/h";r=0;t={wait}, "1000/d";r=997;t={86400 - 3600 + wait}'


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


def test_views_share_a_budget_by_its_name(api):
    assert statuses(lambda: api.get("/search"), 2) == [200, 200]
    refused = api.get("/deep-search")
    assert (refused.status_code, refused.json()["rate"]) == (429, "search 4/h")
    assert statuses(lambda: api.get("/search"), 3) == [200, 200, 429]


def test_a_cost_is_taken_at_once_and_said(api):
    answer = api.get("/deep-search")
    assert answer["RateLimit-Policy"] == '"search 4/h";q=4;w=3600, "9/d";q=9;w=86400'
    assert answer["RateLimit"] == '"search 4/h";r=1;t=3600, "9/d";r=8;t=86400'
    assert statuses(lambda: api.get("/search"), 2) == [200, 429]


def test_a_sliding_rate_says_when_the_next_one_is_free(api):
    assert statuses(lambda: api.get("/slide"), 2) == [200, 200]
    refused = api.get("/slide")
    assert refused["RateLimit-Policy"] == '"2/h";q=2;w=3600'
    assert 3600 <= int(refused["Retry-After"]) <= 3960


def test_the_ceiling_counts_a_caller_on_every_view(api, alice, settings):
    settings.API_GUARD = {**settings.API_GUARD, "CEILING": ["3/h", "9/d"]}
    assert statuses(lambda: api.get("/free"), 2) == [200, 200]
    answer = api.get("/ping")
    policies = '"3/h";q=3;w=3600, "1000/d";q=1000;w=86400, "api 3/h";q=3;w=3600, "api 9/d"'
    assert answer["RateLimit-Policy"].startswith(policies)
    refused = api.get("/free")
    assert (refused.status_code, refused.json()["rate"]) == (429, "api 3/h")
    assert api.by_session(alice).get("/free").status_code == 200


def test_a_ceiling_may_differ_for_users_clients_and_addresses(
    api, alice, application, issue, settings
):
    ceiling = {"user": "3/h", "address": "1/h"}
    settings.API_GUARD = {**settings.API_GUARD, "CEILING": ceiling}
    assert statuses(lambda: api.get("/free"), 2) == [200, 429]
    assert statuses(lambda: api.by_token(issue()).get("/free"), 5) == [200] * 5
    api.credentials()
    assert statuses(lambda: api.by_session(alice).get("/free"), 4) == [200] * 3 + [429]


@pytest.mark.parametrize(
    "value", ["often", [], {"users": "5/h"}, {"address": 7}, budget("a", "5/h"), cost(2, "5/h")]
)
def test_a_ceiling_that_cannot_be_read_is_one_request_a_second(api, settings, value):
    settings.API_GUARD = {**settings.API_GUARD, "CEILING": value}
    started = time.monotonic()
    seen = statuses(lambda: api.get("/free"), 20)
    assert seen.count(200) <= 1 + (time.monotonic() - started)
    assert seen[0] == 200


def test_a_user_and_a_client_of_one_number_never_share(api, application, issue, django_user_model):
    user = django_user_model.objects.create_user("same", pk=application.pk)
    assert statuses(lambda: api.by_token(issue("notes:read")).get("/ping"), 4)[-1] == 429
    api.credentials()
    assert api.by_session(user).get("/ping").status_code == 200


def test_switched_off_counters_count_nothing(api, settings):
    settings.RATELIMIT_ENABLE = False
    assert statuses(lambda: api.get("/ping"), 5) == [200] * 5


PLAIN = "tests.caches.PlainCache"


def broken(**fault):
    return patch("api_guard.limits.counters.ratelimit.get_usage", **fault)


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
def test_without_the_counters_cache_the_setting_decides(
    api, settings, count_on, fault, mode, expected
):
    count_on(PLAIN)
    settings.API_GUARD = {**settings.API_GUARD, "ON_FAULT": mode}
    with broken(**fault):
        assert statuses(lambda: api.get("/ping"), 4) == expected


def test_a_bug_of_the_counters_stays_a_bug(api, count_on):
    count_on(PLAIN)
    with broken(side_effect=ZeroDivisionError), pytest.raises(ZeroDivisionError):
        api.get("/ping")


@pytest.mark.parametrize(
    ("mode", "expected"),
    [("local", [200] * 3 + [429]), ("deny", [503] * 4), ("allow", [200] * 4)],
)
@pytest.mark.parametrize("fault", ["stopped", "hung", "full"])
def test_a_real_redis_that_is_down_holds_nobody_up_and_lets_nobody_through(
    api, settings, own_redis, count_on, caplog, mode, expected, fault
):
    settings.API_GUARD = {**settings.API_GUARD, "ON_FAULT": mode, "COUNTER_TIMEOUT": TIMEOUT}
    count_on(REDIS, own_redis)
    assert api.get("/ping", REMOTE_ADDR="203.0.113.7").status_code == 200
    match fault:
        case "stopped":
            own_redis.stop()
        case "hung":
            own_redis.hang()
        case "full":
            raw = caches["rates"]._cache.get_client()
            raw.config_set("maxmemory-policy", "noeviction")
            raw.config_set("maxmemory", "1mb")
    started = time.monotonic()
    with caplog.at_level(logging.ERROR, "api_guard.throttling"):
        assert statuses(lambda: api.get("/ping"), 4) == expected
    # One of them waits, and not each.
    assert time.monotonic() - started < 3 * TIMEOUT
    assert f"on fault: {mode}" in caplog.text
