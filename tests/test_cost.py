"""What a guarded request may cost: one query or two, and no cache trip but the counters'."""

from __future__ import annotations

import sys
from unittest.mock import patch

import pytest
from django.core.cache import cache
from django.core.cache.backends.locmem import LocMemCache
from django.db import connection
from django.urls import path
from rest_framework import serializers
from rest_framework.response import Response
from rest_framework.views import APIView
from rest_framework.viewsets import ModelViewSet

from api_guard import PUBLIC, guard
from tests.costs import queries_of_a_token
from tests.models import Note

pytestmark = [pytest.mark.urls(__name__), pytest.mark.django_db]


class Answer(APIView):
    def get(self, request):
        return Response("answer")


class NoteSerializer(serializers.ModelSerializer):
    class Meta:
        model = Note
        fields = ["id", "title"]


@guard(read="notes:read", write="notes:write", owner="author")
class Notes(ModelViewSet):
    queryset = Note.objects.order_by("pk")
    serializer_class = NoteSerializer


urlpatterns = [
    path("scope", guard(read="notes:read")(Answer).as_view()),
    path("rates", guard(read="notes:read", throttle=("9/s", "99/d"))(Answer).as_view()),
    path("public", guard(read=PUBLIC)(Answer).as_view()),
    path("notes", Notes.as_view({"get": "list", "post": "create"})),
    path("notes/<int:pk>", Notes.as_view({"get": "retrieve", "patch": "partial_update"})),
]

CACHE_CALLS = ("add", "get", "set", "incr", "delete", "touch", "get_many", "set_many")


@pytest.fixture
def by_token(api, alice, application, issue, give):
    for grantee in (alice, application):
        give(grantee, "notes:read", "notes:write")
    return api.by_token(issue("notes:read notes:write", user=alice))


@pytest.mark.parametrize(
    ("method", "path", "queries"),
    [
        ("get", "/scope", 0),
        ("get", "/rates", 0),
        ("get", "/notes", 1),
        ("get", "/notes/100000", 1),
        ("post", "/notes", 1),
        ("patch", "/notes/100000", 2),
    ],
)
def test_the_guard_makes_one_query_for_a_token_and_its_grants(
    by_token, alice, django_assert_num_queries, method, path, queries
):
    Note.objects.create(pk=100_000, author=alice, title="mine")
    by_token.get(path)
    # `queries` are the view's own.
    with django_assert_num_queries(queries_of_a_token() + queries):
        response = getattr(by_token, method)(path, {"title": "x"} if method != "get" else None)
    assert response.status_code < 300


def test_a_public_view_asks_for_the_token_alone(by_token, django_assert_num_queries):
    with django_assert_num_queries(1) as captured:
        assert by_token.get("/public").status_code == 200
    assert "scopegrant" not in captured[0]["sql"]


# On Redis a script counts, in one round trip (tests/test_counters.py).
@pytest.mark.parametrize(
    ("path", "calls"), [("/scope", []), ("/rates", ["get", "get", "set", "set"])]
)
def test_the_guard_asks_the_cache_for_its_counters_alone(by_token, path, calls):
    seen = []
    backend = cache._connections[cache._alias]
    if not isinstance(backend, LocMemCache):
        calls = []

    def spy(name):
        whole = getattr(type(backend), name)
        return lambda self, *a, **k: seen.append(name) or whole(self, *a, **k)

    with patch.multiple(type(backend), **{name: spy(name) for name in CACHE_CALLS}):
        assert by_token.get(path).status_code == 200
    assert seen == calls


class Bare(Answer):
    authentication_classes = []
    permission_classes = []


urlpatterns.append(path("bare", Bare.as_view()))


def calls_of(answer):
    """Count the calls of functions, Python's own included, that answer a request."""
    count = 0

    def note(frame, event, argument):
        nonlocal count
        count += event in ("call", "c_call")

    for _ in range(3):
        answer()
    sys.setprofile(note)
    try:
        answer()
    finally:
        sys.setprofile(None)
    return count


def test_the_guard_calls_no_more_functions_than_it_did(by_token, settings, record_property):
    if connection.vendor != "sqlite" or not isinstance(
        cache._connections[cache._alias], LocMemCache
    ):
        pytest.skip("what a driver calls is its own affair")
    settings.API_GUARD = {**settings.API_GUARD, "EXEMPT": {__name__: "compared with"}}
    bare = calls_of(lambda: by_token.get("/bare"))
    for url, most in (("/scope", 800), ("/rates", 1050)):
        more = calls_of(lambda url=url: by_token.get(url)) - bare
        record_property(url, more)
        print(url, more)
        assert more <= most
