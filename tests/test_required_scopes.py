"""A request reads the grants of the scopes that are required, and the rest where somebody asks."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import Group
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import path
from rest_framework.response import Response
from rest_framework.views import APIView

from api_guard import any_of, grants, guard
from api_guard.access.callers import caller_of
from api_guard.core.caller import Caller
from api_guard.core.decision import Denial, decide
from api_guard.core.requirements import Requirement
from api_guard.core.scopes import Credential, Granted
from api_guard.grants.grantees import Sides, held_by, parameters
from api_guard.models import RateOverride, ScopeGrant, recorded
from api_guard.permissions import HasScopes
from tests.models import Note

pytestmark = [pytest.mark.urls(__name__), pytest.mark.django_db]


class Answer(APIView):
    def get(self, request):
        return Response("answer")


class Scopes(APIView):
    def get(self, request):
        return Response(sorted(caller_of(request).scopes))


class Twice(Answer):
    permission_classes = [HasScopes("notes:write"), HasScopes("notes:publish")]


urlpatterns = [
    path("read", guard(read="notes:read")(Answer).as_view()),
    path("either", guard(read=any_of("notes:read", "notes:write"))(Answer).as_view()),
    path("rates", guard(read="notes:read", throttle=("9/s", "99/d"))(Answer).as_view()),
    path("scopes", guard(read="notes:read")(Scopes).as_view()),
    path("twice", guard(read="notes:read")(Twice).as_view()),
]
ALL = ("notes:read", "notes:write", "notes:publish", "audit:read")


def asked(call):
    """Return the queries that read grants, in what they are asked for."""
    with CaptureQueriesContext(connection) as captured:
        call()
    found = [each["sql"] for each in captured if "api_guard_scopegrant" in each["sql"]]
    return [tuple(name for name in ALL if name in sql) for sql in found if "UPDATE" not in sql]


@pytest.fixture
def grantees(alice, application, give):
    for grantee in (alice, application):
        give(grantee, *ALL)
    return alice


@pytest.mark.parametrize(
    ("url", "names"),
    [
        ("/read", [("notes:read",)]),
        ("/either", [("notes:read", "notes:write")]),
        ("/rates", [("notes:read",)]),
        ("/scopes", [("notes:read",), ()]),
        # With the second requirement all are read, for there may be a third.
        ("/twice", [("notes:read",), ()]),
    ],
)
def test_what_is_required_is_asked_for_and_the_rest_once(api, grantees, issue, url, names):
    api.by_token(issue(" ".join(ALL), user=grantees))
    assert asked(lambda: api.get(url)) == names
    assert api.get(url).status_code == 200
    api.credentials()
    api.by_session(grantees)
    assert asked(lambda: api.get(url)) == names


def test_a_caller_s_scopes_are_all_that_it_holds(api, grantees, issue):
    api.by_token(issue("notes:read audit:read", user=grantees))
    assert api.get("/scopes").json() == ["audit:read", "notes:read"]
    grants.revoke(grantees.scope_grants.get(scope="audit:read"), by=grants.System("a test"))
    assert api.get("/scopes").json() == ["notes:read"]


def test_a_token_that_carries_none_of_them_is_refused_without_another_query(api, grantees, issue):
    api.by_token(issue("audit:read", user=grantees))
    with CaptureQueriesContext(connection) as captured:
        api.get("/read")
    assert len(captured) == 1
    assert api.get("/read").status_code == api.get("/rates").status_code == 403


def test_grants_of_groups_are_found_for_each_required_scope(api, alice, application, issue, give):
    names = [f"group{number}" for number in range(5)]
    groups = [Group.objects.create(name=name) for name in names]
    alice.groups.set(groups[:4])
    give(application, *ALL)
    give(groups[3], "notes:read")
    give(groups[4], "notes:write")
    api.by_token(issue(" ".join(ALL), user=alice))
    for url, status in (("/read", 200), ("/either", 200), ("/twice", 403)):
        assert api.get(url).status_code == status
    grants.revoke(groups[3].scope_grants.get(), by=grants.System("a test"))
    assert api.get("/either").status_code == 403


def test_a_sensitive_scope_of_everyone_s_group_is_its_members_alone(
    api, alice, bob, application, issue, settings
):
    readers = Group.objects.create(name="readers")
    with recorded():
        for grantee in ({"group": readers}, {"client": application}):
            ScopeGrant.objects.create(scope="notes:read", **grantee)
    everyone = {**settings.API_GUARD, "EVERYONE_GROUP": "readers"}
    sensitive = {"notes:read": {"description": "Read notes", "sensitive": True}}
    bob.groups.add(readers)
    for scopes, status in ((everyone["SCOPES"], 200), (everyone["SCOPES"] | sensitive, 403)):
        settings.API_GUARD = everyone | {"SCOPES": scopes}
        for user, expected in ((alice, status), (bob, 200)):
            api.by_token(issue("notes:read", user=user))
            assert api.get("/read").status_code == expected


def test_overrides_of_other_rates_are_not_read(api, grantees, issue):
    name = f"view:{__name__}.Answer[guarded]/s"
    for other in ("budget:search/m", f"view:{__name__}.Other/s"):
        RateOverride.objects.create(name=other, limit=1, user=grantees)
    found = grants.granted_with_overrides(grantees, None, (), (name,))
    assert found == (Granted(user=frozenset()), (), ())
    assert len(grants.granted_with_overrides(grantees, None)[2]) == 2


def test_each_database_is_asked_in_its_own_form(alice, settings):
    settings.API_GUARD = {**settings.API_GUARD, "EVERYONE_GROUP": "everyone"}
    asked = parameters("scope", "scope", ScopeGrant, 2)
    rows = ScopeGrant.objects.order_by().values_list("scope")

    def selects(vendor, asked=asked):
        sides = Sides(type(alice), has_client=True, has_everyone=True, vendor=vendor)
        return [str(each.query) for each in held_by(rows, sides, "scope", asked)]

    # A user, a client, its groups and everyone's; the last two once for each scope.
    assert [len(selects(vendor)) for vendor in ("sqlite", "mysql", "postgresql")] == [4, 6, 1]
    assert len(selects("mysql", None)) == 4
    [sql] = selects("postgresql")
    assert sql.count("= ANY(ARRAY(SELECT") == 2
    assert "UNION" not in sql


def test_no_scope_and_no_caller_are_no_question(alice, django_assert_num_queries):
    with django_assert_num_queries(0):
        assert grants.live_grants(alice, None, ()) == ()
        assert grants.granted_with_overrides(None, None, ALL, ()) == (Granted(), (), ())


# The pure part


def caller_with(credential, carried, granted, seen):
    def some(names):
        seen.append(names)
        return Granted(granted & set(names), granted & set(names))

    return Caller(
        user_id=1,
        client_id=2,
        credential=credential,
        carried=frozenset(carried),
        look_up=lambda: seen.append("all") or Granted(granted, granted),
        look_up_some=some,
    )


REQUIREMENT = Requirement.parse(("a", any_of("b", "c")))


@pytest.mark.parametrize(
    ("credential", "carried", "granted", "allowed", "looked_up"),
    [
        (Credential.TOKEN, "abcd", "abcd", True, [("a", "b", "c")]),
        (Credential.TOKEN, "abcd", "ad", False, [("a", "b", "c")]),
        (Credential.TOKEN, "d", "abcd", False, []),
        (Credential.UNSCOPED, "", "ab", True, [("a", "b", "c")]),
        (Credential.UNKNOWN, "abc", "abc", False, []),
    ],
)
def test_a_requirement_is_judged_by_its_own_scopes(
    credential, carried, granted, allowed, looked_up
):
    seen = []
    caller = caller_with(credential, carried, frozenset(granted), seen)
    decision = decide(REQUIREMENT, caller)
    assert decision.allowed is allowed
    assert decision.denial is (None if allowed else Denial.INSUFFICIENT_SCOPE)
    assert seen == looked_up


def test_scopes_that_are_known_are_not_asked_for_again():
    seen = []
    caller = caller_with(Credential.UNSCOPED, "", frozenset("ab"), seen)
    assert caller.scopes == frozenset("ab")
    assert decide(REQUIREMENT, caller).allowed
    assert seen == ["all"]


def test_a_note_of_an_owner_reads_no_scope_more(api, grantees, issue):
    Note.objects.create(author=grantees, title="mine")
    api.by_token(issue(" ".join(ALL), user=grantees))
    assert asked(lambda: api.get("/read")) == [("notes:read",)]
