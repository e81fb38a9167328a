"""Limits that a grantee has in place of those in code, live like grants."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group
from django.core.exceptions import ValidationError
from django.db import IntegrityError, OperationalError, transaction
from django.urls import path
from django.utils import timezone
from rest_framework.response import Response
from rest_framework.views import APIView

from api_guard import PUBLIC, budget, cost, grants, guard, sliding
from api_guard.core.rates import Override, overridden, override_name, parse_rates
from api_guard.models import RateOverride, recorded
from tests.costs import queries_of_a_token

pytestmark = [pytest.mark.urls(__name__), pytest.mark.django_db]

SEARCH = budget("search", "2/h")


@guard(read=PUBLIC, throttle=SEARCH)
class Search(APIView):
    def get(self, request):
        return Response()


@guard(read="notes:read", throttle={"read": ("2/h", "99/d")})
class Notes(APIView):
    def get(self, request):
        return Response()


@guard(read=PUBLIC)
class Free(APIView):
    def get(self, request):
        return Response()


from django.contrib import admin  # noqa: E402

urlpatterns = [
    path("search", Search.as_view()),
    path("notes", Notes.as_view()),
    path("free", Free.as_view()),
    path("admin/", admin.site.urls),
]
NAME = "budget:search/h"
OF_NOTES = "view:tests.test_overrides.Notes:read/h"


def admitted(api, url="/search", most=12):
    return [api.get(url).status_code for _ in range(most)].count(200)


def give(limit, name=NAME, **grantee):
    return RateOverride.objects.create(name=name, limit=limit, **grantee)


def test_a_name_says_which_rate_and_not_which_limit():
    own, shared = parse_rates(("5/15m", budget("search", "30/m")))
    assert override_name(own, "a.View:read") == "view:a.View:read/15m"
    assert override_name(shared, "a.View:read") == "budget:search/m"


def test_of_several_overrides_the_largest_counts():
    rates = (*cost(3, budget("search", "30/m")), *sliding("5/h"))
    several = [Override("budget:search/m", n) for n in (10, 50, 20)] + [Override("view:v/h", 1)]
    assert [str(rate) for rate in overridden(rates, "v", several)] == [
        "3 of search 50/m",
        "1/h sliding",
    ]
    assert overridden(rates, "w", []) == rates


def test_a_client_that_pays_for_more_gets_it_at_once_and_for_as_long(api, application, issue):
    api.by_token(issue())
    assert admitted(api) == 2
    override = give(5, client=application)
    answer = api.get("/search")
    assert answer["RateLimit-Policy"] == '"search 5/h";q=5;w=3600'
    assert answer["RateLimit"].startswith('"search 5/h";r=2;t=')
    assert admitted(api) == 2
    override.delete()
    assert api.get("/search").json()["rate"] == "search 2/h"


@pytest.mark.parametrize("grantee", ["user", "group", "everyone", "client"])
def test_every_kind_of_grantee_may_have_one(
    api, alice, application, issue, settings, grantee, django_assert_num_queries
):
    group = Group.objects.create(name="payers")
    if grantee == "group":
        alice.groups.add(group)
    if grantee == "everyone":
        settings.API_GUARD = {**settings.API_GUARD, "EVERYONE_GROUP": "payers"}
    grantees = {"user": alice, "client": application}
    held_by = {grantee: grantees[grantee]} if grantee in grantees else {"group": group}
    give(4, OF_NOTES, **held_by)
    from api_guard import grants

    for each in (alice, application):
        grants.grant("notes:read", each, by=grants.System("a test"))
    api.by_token(issue("notes:read", user=alice))
    assert api.get("/notes").status_code == 200
    # The token with its user and its client; grants and overrides of all grantees.
    with django_assert_num_queries(queries_of_a_token()):
        answer = api.get("/notes")
    policies = '"4/h";q=4;w=3600, "99/d";q=99;w=86400'
    assert answer["RateLimit-Policy"] == policies
    assert admitted(api, "/notes") == 2


def test_an_override_of_another_is_none(api, alice, bob, issue):
    give(9, user=bob)
    assert admitted(api.by_session(alice)) == 2


def test_an_anonymous_caller_and_a_view_without_rates_ask_for_none(
    api, alice, issue, django_assert_num_queries
):
    with django_assert_num_queries(0):
        api.get("/search")
    api.by_token(issue(user=alice))
    with django_assert_num_queries(1):
        api.get("/free")
    with django_assert_num_queries(queries_of_a_token()):
        api.get("/search")


def test_an_override_may_lower_and_ends_with_its_expiry(api, alice):
    soon = timezone.now() + timedelta(hours=1)
    override = give(1, user=alice, expires_at=soon)
    api.by_session(alice)
    assert admitted(api) == 1
    with recorded():
        RateOverride.objects.filter(pk=override.pk).update(expires_at=timezone.now())
    assert admitted(api) == 1


def test_the_ceiling_can_be_overridden(api, alice, settings):
    settings.API_GUARD = {**settings.API_GUARD, "CEILING": "2/h"}
    give(6, "budget:api/h", user=alice)
    assert admitted(api.by_session(alice), "/free") == 6


def test_without_the_database_there_is_no_answer(api, alice, monkeypatch):
    def fail(*args):
        raise OperationalError("down")

    api.by_session(alice)
    monkeypatch.setattr("api_guard.grants.granted_with_overrides", fail)
    assert api.get("/search").status_code == 503


def test_the_model_refuses_what_cannot_be_meant(alice, application):
    for wrong in ({}, {"user": alice, "client": application}):
        with pytest.raises(ValidationError, match="exactly one grantee"):
            give(5, **wrong)
    with pytest.raises(ValidationError):
        give(0, user=alice)
    override = give(5, user=alice)
    assert str(override) == "budget:search 5/h for user alice"
    with pytest.raises(ValidationError, match="already"):
        give(6, user=alice)
    with pytest.raises(IntegrityError), transaction.atomic(), recorded():
        RateOverride.objects.filter(pk=override.pk).update(limit=0)
    nobody = RateOverride(name=NAME, limit=1)
    assert (nobody.grantee_kind, nobody.grantee) == ("nobody", None)


def test_the_admin_offers_the_rates_in_use(client, admin_user, alice, settings):
    settings.API_GUARD = {**settings.API_GUARD, "CEILING": {"user": "9/h", "address": "5/h"}}
    client.force_login(admin_user)
    url = "/admin/api_guard/rateoverride/"
    shown = client.get(f"{url}add/").content.decode()
    assert all(each in shown for each in ("the whole API: 9 per hour", "search: 2 per hour"))
    data = {"name": NAME, "limit": 7, "user": alice.pk, "reason": "pays", "expires_at_0": ""}
    assert client.post(f"{url}add/", {**data, "name": "budget:none/h"}).status_code == 200
    assert client.post(f"{url}add/", {**data, "group": ""}).status_code == 302
    override = RateOverride.objects.get()
    assert (override.limit, override.grantee) == (7, alice)
    past = timezone.now() - timedelta(hours=1)
    give(3, "view:gone.View/h", user=alice)
    give(3, OF_NOTES, user=alice, expires_at=past)
    page = client.get(url).content.decode()
    assert all(f">{state}<" in page for state in ("live", "expired", "no such rate"))
    gone = RateOverride.objects.get(name="view:gone.View/h")
    assert "view:gone.View/h" in client.get(f"{url}{gone.pk}/change/").content.decode()
    assert client.post(f"{url}{gone.pk}/delete/", {"post": "yes"}).status_code == 302
    assert get_user_model().objects.filter(pk=alice.pk).exists()


def test_who_has_no_rate_here_is_asked_for_its_grants_alone(alice, django_assert_num_queries):
    """A ceiling of users is none of a client."""
    row = grants.grant("notes:read", alice, by=grants.System("a test"))
    with django_assert_num_queries(1) as asked:
        granted, rows, overrides = grants.granted_with_overrides(alice, None, ["notes:read"], [])
    assert (granted.user, [each.pk for each in rows], overrides) == ({"notes:read"}, [row.pk], ())
    assert "rateoverride" not in asked[0]["sql"].lower()
    with django_assert_num_queries(0):
        granted, rows, overrides = grants.granted_with_overrides(alice, None, [], [])
    assert (granted.user, rows, overrides) == (set(), (), ())
