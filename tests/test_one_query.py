"""A token is read with what its caller is about to be asked for, and with nothing that is older."""

from __future__ import annotations

from datetime import UTC, datetime
from types import SimpleNamespace
from unittest.mock import patch

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group
from django.db import connection
from django.db.models import F
from django.test.utils import CaptureQueriesContext
from django.urls import path
from rest_framework.response import Response
from rest_framework.views import APIView

from api_guard import any_of, grants, guard
from api_guard.access import holdings
from api_guard.access.endpoints import is_own_of
from api_guard.authentication import OAuth2Authentication
from api_guard.grants.beside import _Listed
from api_guard.models import RateOverride, ScopeGrant, recorded
from api_guard.models.statements import _AWARE, _quicker
from tests.costs import queries_of_a_token

pytestmark = [pytest.mark.urls(__name__), pytest.mark.django_db]

ALL = ("notes:read", "notes:write", "notes:publish")


class Answer(APIView):
    def get(self, request):
        return Response("answer")


class Early(Answer):
    """Asks who it is before the guard has said what for."""

    def initialize_request(self, request, *args, **kwargs):
        found = super().initialize_request(request, *args, **kwargs)
        assert found.user is not None
        return found


class Welcoming(Answer):
    """Gives a scope to who comes, as one that takes over what another system says."""

    def perform_authentication(self, request):
        super().perform_authentication(request)
        grants.ensure("notes:read", request.user, by=grants.System("a test"))
        grants.ensure("notes:read", request.auth.application, by=grants.System("a test"))


class Acting(OAuth2Authentication):
    """Authenticates as the user whom a header names."""

    def authenticate(self, request):
        found = super().authenticate(request)
        name = request.META["HTTP_X_ACT_AS"]
        return get_user_model().objects.get(username=name), found[1]


class ActAs(Answer):
    authentication_classes = [Acting]


class Handing(Answer):
    """Hands its request on, which another view asks something else."""

    def get(self, request):
        assert "_api_guard_held" not in vars(request)
        return guarded_write(request._request)


guarded_write = guard(read="notes:write")(Answer).as_view()
urlpatterns = [
    path("read", guard(read="notes:read")(Answer).as_view()),
    path("either", guard(read=any_of(*ALL))(Answer).as_view()),
    path("rates", guard(read="notes:read", throttle=("9/s", "99/d"))(Answer).as_view()),
    path("early", guard(read="notes:read")(Early).as_view()),
    path("welcoming", guard(read="notes:read")(Welcoming).as_view()),
    path("act", guard(read="notes:read")(ActAs).as_view()),
    path("handing", guard(read="notes:read")(Handing).as_view()),
]


@pytest.fixture
def grantees(alice, application, give):
    for grantee in (alice, application):
        give(grantee, "notes:read")
    return alice


@pytest.mark.parametrize("url", ["/read", "/either", "/rates"])
def test_a_token_and_what_its_caller_holds_are_one_query(
    api, grantees, issue, url, django_assert_num_queries
):
    api.by_token(issue(" ".join(ALL), user=grantees))
    assert api.get(url).status_code == 200
    with django_assert_num_queries(queries_of_a_token()):
        assert api.get(url).status_code == 200
    with recorded():
        ScopeGrant.objects.get(user=grantees).delete()
    assert api.get(url).status_code == 403


def test_the_query_is_short_enough_to_be_parsed_once(api, grantees, issue):
    """Psycopg keeps what it parsed of a query up to 4,096 characters."""
    api.by_token(issue(" ".join(ALL), user=grantees))
    with CaptureQueriesContext(connection) as queries:
        assert api.get("/either").status_code == 200
    assert 1000 < max(len(query["sql"]) for query in queries.captured_queries) < 3800


@pytest.mark.parametrize("grantee", ["user", "group", "everyone", "client"])
def test_what_each_grantee_has_is_found_as_in_a_query_of_its_own(
    api, alice, application, issue, give, settings, grantee
):
    settings.API_GUARD = {**settings.API_GUARD, "EVERYONE_GROUP": "everyone"}
    group, everyone = (Group.objects.create(name=name) for name in ("writers", "everyone"))
    alice.groups.add(group)
    held = {"user": alice, "group": group, "everyone": everyone, "client": application}[grantee]
    give(held, "notes:read")
    kind = "group" if grantee == "everyone" else grantee
    name = f"view:{__name__}.Answer[guarded]/s"
    RateOverride.objects.create(name=name, limit=77, **{kind: held})
    RateOverride.objects.create(name=f"{name}x", limit=88, **{kind: held})
    token = issue(" ".join(ALL), user=alice)
    seen = []

    def spy(request, *of_whom):
        # None is returned, so that it is looked up in a query of its own, too.
        seen.append((holdings_held(request, *of_whom), of_whom))

    holdings_held = holdings.held
    with patch.object(holdings, "held", spy):
        api.by_token(token).get("/rates")
    found, (user, client_id) = seen[0]
    own = grants.granted_with_overrides(
        user, client_id, ("notes:read",), (name, name.replace("/s", "/d"))
    )
    if queries_of_a_token() == 1:
        assert (found.granted, found.rows, found.overrides) == own
    assert [each.limit for each in own[2]] == [77]
    assert len(own[1]) == 1


def test_a_client_by_itself_is_not_everyone(
    api, application, issue, give, settings, django_assert_num_queries
):
    settings.API_GUARD = {**settings.API_GUARD, "EVERYONE_GROUP": "everyone"}
    everyone = Group.objects.create(name="everyone")
    give(everyone, "notes:read")
    RateOverride.objects.create(name=f"view:{__name__}.Answer[guarded]/s", limit=77, group=everyone)
    api.by_token(issue("notes:read"))
    assert api.get("/rates").status_code == 403
    give(application, "notes:read")
    answer = api.get("/rates")
    assert answer.status_code == 200
    assert '"9/s";q=9' in answer["RateLimit-Policy"]


def test_what_a_view_grants_as_it_authenticates_counts(api, alice, issue):
    api.by_token(issue("notes:read", user=alice))
    assert api.get("/read").status_code == 403
    assert api.get("/welcoming").status_code == 200


def test_who_is_asked_for_early_is_looked_up_when_it_is_decided(
    api, grantees, issue, django_assert_num_queries
):
    api.by_token(issue("notes:read", user=grantees))
    api.get("/early")
    # The token is read anew when it is decided, and the grants with it where one query can.
    with django_assert_num_queries(3 if connection.vendor == "mysql" else 2):
        assert api.get("/early").status_code == 200


def test_what_was_found_is_nobody_else_s(api, grantees, bob, issue, give):
    api.by_token(issue("notes:read", user=grantees))
    assert api.get("/act", HTTP_X_ACT_AS="alice").status_code == 200
    assert api.get("/act", HTTP_X_ACT_AS="bob").status_code == 403
    give(bob, "notes:read")
    with recorded():
        ScopeGrant.objects.filter(user=grantees).delete()
    assert api.get("/act", HTTP_X_ACT_AS="bob").status_code == 200
    assert api.get("/act", HTTP_X_ACT_AS="alice").status_code == 403


def test_what_was_found_is_of_one_view(api, grantees, application, issue, give):
    api.by_token(issue(" ".join(ALL), user=grantees))
    assert api.get("/handing").status_code == 403
    for grantee in (grantees, application):
        give(grantee, "notes:write")
    assert api.get("/handing").status_code == 200


def test_grants_in_another_database_are_asked_there(
    api, grantees, issue, monkeypatch, django_assert_num_queries
):
    monkeypatch.setattr("api_guard.tokens.database", lambda: "elsewhere")
    api.by_token(issue("notes:read", user=grantees))
    api.get("/read")
    with django_assert_num_queries(2):
        assert api.get("/read").status_code == 200


@pytest.mark.parametrize("kind", ["user", "client"])
def test_a_ceiling_is_overridden_in_the_same_query(
    api, grantees, application, issue, settings, kind, django_assert_num_queries
):
    settings.API_GUARD = {**settings.API_GUARD, "CEILING": {"user": "3/h", "client": "4/h"}}
    grantee = {"user": grantees, "client": application}[kind]
    RateOverride.objects.create(name="budget:api/h", limit=66, **{kind: grantee})
    api.by_token(issue("notes:read", user=grantees if kind == "user" else None))
    api.get("/read")
    with django_assert_num_queries(queries_of_a_token()):
        answer = api.get("/read")
    assert '"api 66/h";q=66' in answer["RateLimit-Policy"]


def test_another_authenticator_is_given_nothing(rf, alice):
    request = rf.get("/")
    holdings.ask(request, grants.Asked())
    assert holdings.find_token(request, "unknown") is None
    assert holdings.held(request, alice, None) is None
    holdings.forget(request)
    assert holdings.find_token(object(), "unknown") is None


def test_a_database_that_makes_no_lists_is_asked_twice(api, grantees, issue, monkeypatch):
    monkeypatch.setattr("api_guard.grants.beside._VENDORS", frozenset())
    assert api.by_token(issue("notes:read", user=grantees)).get("/read").status_code == 200


def test_a_list_is_made_as_each_database_makes_it():
    compiler = SimpleNamespace(compile=lambda each: ("x", []))
    listed = _Listed(F("pk"))
    assert listed.as_sqlite(compiler, connection)[0] == "json_group_array(json_array(x))"
    assert listed.as_postgresql(compiler, connection)[0] == "json_agg(json_build_array(x))::text"


def test_a_moment_is_quickly_read_where_it_is_one_and_as_django_does_where_not():
    def convert(value, column, connection):
        return "Django's"

    convert.__qualname__ = _AWARE
    quick = _quicker(convert, uses_tz=True)
    moment = datetime(2026, 1, 1)  # noqa: DTZ001
    assert quick(moment, None, SimpleNamespace(timezone=UTC)) == moment.replace(tzinfo=UTC)
    assert quick("2026-01-01", None, connection) == "Django's"
    assert _quicker(convert, uses_tz=False) is convert


def test_a_method_that_there_is_not_is_nobody_s():
    assert not is_own_of(object, object, "no_such")
