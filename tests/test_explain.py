"""What is explained is what is served: one decides, the other says why."""

from __future__ import annotations

import logging
import random
from datetime import timedelta

import pytest
from django.conf import settings as django_settings
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group
from django.db import connection, transaction
from django.db.models import Q
from django.http import HttpResponse
from django.test import override_settings
from django.urls import path
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from oauth2_provider.contrib.rest_framework import OAuth2Authentication as ToolkitAuthentication
from rest_framework.authentication import SessionAuthentication
from rest_framework.permissions import IsAuthenticated
from rest_framework.response import Response
from rest_framework.views import APIView
from rest_framework.viewsets import ModelViewSet

from api_guard import ANY_OBJECT, PUBLIC, SIGNED_IN, STAFF, any_of, guard
from api_guard.authentication import OAuth2Authentication
from api_guard.explain import Question, explain
from api_guard.models import ScopeGrant, recorded
from api_guard.permissions import HasScopes
from api_guard.signals import access_denied
from tests import test_decisions
from tests.models import Note
from tests.test_cost import NoteSerializer
from tests.test_decisions import REFUSALS, Answer, Silent, lines  # noqa: F401

pytestmark = [pytest.mark.urls(__name__), pytest.mark.django_db]

SCOPES = ("notes:read", "notes:write", "notes:publish")
CASES = 120


class View(APIView):
    def get(self, request, pk=None):
        return Response("in")

    def post(self, request, pk=None):
        return Response("in")


class Notes(ModelViewSet):
    queryset = Note.objects.order_by("pk")
    serializer_class = NoteSerializer


class Scoped(View):
    permission_classes = [HasScopes("notes:read") & IsAuthenticated, HasScopes("notes:write")]


def own(caller):
    return Q(author=caller.user_id) if caller.user_id else Q(pk__in=[])


def of_request(caller, request):
    return Q(author=caller.user_id) if request else Q(pk__in=[])


def fails(caller):
    return Q(author=None)


def requirement(chance):
    parts = chance.sample(
        [STAFF, SIGNED_IN, any_of(*SCOPES[:2]), any_of(*SCOPES[1:]), *SCOPES], chance.randint(1, 2)
    )
    if {STAFF, SIGNED_IN} <= set(parts):
        return STAFF
    return chance.choice([PUBLIC, None, tuple(parts), tuple(parts), tuple(parts)])


def view_of(number):
    """Return a view with a policy of chance, the same in every run."""
    chance = random.Random(number)
    policy = {"read": requirement(chance), "write": requirement(chance)}
    if number % 2:
        policy["actions"] = {"POST": requirement(chance) or PUBLIC}
        policy["throttle"] = chance.choice([None, "1000/s"])
        cls = type("Case", (View,), {"__module__": __name__, "__qualname__": f"Case{number}"})
        if number % 6 == 1:
            cls.permission_classes = [HasScopes(chance.choice(SCOPES))]
        return guard(**policy)(cls).as_view()
    policy["actions"] = {"destroy": requirement(chance) or PUBLIC}
    policy["owner"] = {"read": "author", "write": "author"}
    policy["objects"] = chance.choice([None, {"write": ANY_OBJECT}, own])
    cls = type("Rows", (Notes,), {"__module__": __name__, "__qualname__": f"Rows{number}"})
    return guard(**policy)(cls).as_view({"get": "retrieve", "delete": "destroy"})


@guard(read="notes:read", write="notes:write", owner="author")
class OwnNotes(Notes):
    pass


def rows(**policy):
    cls = type("Named", (Notes,), {"__module__": __name__})
    return guard(read=PUBLIC, **policy)(cls).as_view({"get": "retrieve"})


def plain(request):
    return HttpResponse("in")


class Own(View):
    authentication_classes = [OAuth2Authentication]

    def get_authenticators(self):
        return [OAuth2Authentication()]


urlpatterns = [
    *(path(f"case/{number}/<int:pk>", view_of(number)) for number in range(CASES)),
    path("own/<int:pk>", OwnNotes.as_view({"get": "retrieve", "delete": "destroy"})),
    path("own", OwnNotes.as_view({"get": "list"})),
    path("function/<int:pk>", rows(objects=own)),
    path("request/<int:pk>", rows(objects=of_request)),
    path("fails/<int:pk>", rows(objects=fails)),
    path("any/<int:pk>", rows(objects=ANY_OBJECT)),
    path("odd/<str:pk>", rows(owner="author")),
    path("scoped", Scoped.as_view()),
    path("plain", plain),
    path("public", guard(read=PUBLIC)(View).as_view()),
    path("all", guard(read=PUBLIC, write=PUBLIC)(View).as_view()),
    path("staff", guard(read=STAFF)(View).as_view()),
    path("signed-in", guard(read=SIGNED_IN)(View).as_view()),
    path("staff-scope", guard(read=(STAFF, "notes:read"))(View).as_view()),
    path("either", guard(read=any_of("notes:read", "notes:write"))(View).as_view()),
    path("chosen", guard(read="notes:read")(Own).as_view()),
    path(
        "sessions",
        guard(read="notes:read")(View).as_view(authentication_classes=[SessionAuthentication]),
    ),
    path(
        "tokens",
        guard(read="notes:read")(View).as_view(authentication_classes=[OAuth2Authentication]),
    ),
    path(
        "toolkit",
        guard(read="notes:read")(View).as_view(authentication_classes=[ToolkitAuthentication]),
    ),
    path("rated", guard(read="notes:read", throttle="1/h")(View).as_view()),
    path("rated-for-all", guard(read=PUBLIC, throttle="1/h")(View).as_view()),
    *test_decisions.urlpatterns,
]


class Refused:
    """The code of the last refusal, which HEAD has no body to tell."""

    def __init__(self):
        self.reason = ""

    def __call__(self, sender, decision, **_):
        self.reason = decision.reason


@pytest.fixture
def refused():
    refused = Refused()
    access_denied.connect(refused)
    # pytest would keep each line.
    logging.disable(logging.CRITICAL)
    yield refused
    logging.disable(logging.NOTSET)
    access_denied.disconnect(refused)


def served(api, refused, method, url):
    refused.reason = ""
    response = api.generic(method, url)
    if response.status_code == 405:
        return "method_not_allowed"
    if response.status_code >= 400:
        assert refused.reason
        return refused.reason
    return ""


@pytest.fixture
def world(db, application):
    """Users, groups and a client that hold nothing yet."""
    users = get_user_model().objects
    readers = Group.objects.create(name="readers")
    everyone = Group.objects.create(name="everyone")
    made = {
        "alice": users.create_user("alice", password="x"),
        "sue": users.create_user("sue", password="x", is_staff=True),
        "gone": users.create_user("gone", password="x", is_active=False),
    }
    for user in made.values():
        user.groups.add(readers)
    return {**made, "readers": readers, "everyone": everyone, "application": application}


STATES = st.sampled_from(["live", "live", "live", "expired", "revoked"])
GRANTS = st.dictionaries(
    st.tuples(
        st.sampled_from(SCOPES), st.sampled_from(["alice", "sue", "readers", "everyone", "app"])
    ),
    STATES,
)


def store(world, held):
    """Store grants as they are, for the functions that grant write a record of each."""
    hour = timedelta(hours=1)
    rows = []
    for (scope, name), state in held.items():
        grantee = world["application" if name == "app" else name]
        kind = {"app": "client", "readers": "group", "everyone": "group"}.get(name, "user")
        now = timezone.now()
        row = ScopeGrant(scope=scope, **{kind: grantee}, granted_at=now - 2 * hour)
        row.expires_at = now - hour if state == "expired" else None
        row.revoked_at = now - hour if state == "revoked" else None
        rows.append(row)
    with recorded():
        ScopeGrant.objects.bulk_create(rows)


@settings(
    max_examples=1000 if connection.vendor == "sqlite" else 100,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(
    case=st.integers(0, CASES - 1),
    held=GRANTS,
    who=st.sampled_from(["alice", "sue", "gone", None]),
    by=st.sampled_from(["session", "token", "clientless"]),
    carried=st.frozensets(st.sampled_from(SCOPES)),
    method=st.sampled_from(["GET", "GET", "HEAD", "OPTIONS", "POST", "DELETE", "PUT"]),
    whose=st.sampled_from(["alice", "sue", "missing"]),
    is_taken=st.booleans(),
    is_sensitive=st.booleans(),
)
def test_what_is_explained_is_what_is_served(
    refused,
    world,
    issue,
    case,
    held,
    who,
    by,
    carried,
    method,
    whose,
    is_taken,
    is_sensitive,
):
    said = {
        **django_settings.API_GUARD,
        "EVERYONE_GROUP": "everyone",
        "FAILED_CREDENTIALS": False,
        "CLIENTLESS_TOKENS": "user" if is_taken else "refuse",
        "SCOPES": {
            **django_settings.API_GUARD["SCOPES"],
            "notes:publish": {"description": "Publish", "sensitive": is_sensitive},
        },
    }
    with transaction.atomic(), override_settings(API_GUARD=said):
        store(world, held)
        pk = 0
        if whose != "missing":
            pk = Note.objects.create(author=world[whose], title="x").pk
        user = world.get(who)
        api = new_client()
        scopes, client = None, None
        if by == "session":
            if user is not None:
                api.by_session(user)
        else:
            scopes = carried
            client = world["application"] if by == "token" or user is None else None
            api.by_token(issue(" ".join(carried), user=user, to=client))
        url = f"/case/{case}/{pk}"
        question = Question(method, url, user, client, scopes, runs_functions=True)
        found = explain(question)
        reason = served(api, refused, method, url)
        # A queryset that was narrowed does not tell what it left out.
        assert found.reason.replace("hidden_object", "not_found") == reason, found.as_text()
        assert found.is_allowed is (reason == "")
        transaction.set_rollback(True)


def new_client():
    from tests.conftest import Caller

    return Caller()
