"""Report-only: what the guard would refuse is logged, and answered by the permissions of before."""

from __future__ import annotations

import asyncio
import logging
from datetime import UTC, datetime

import pytest
from adrf.views import APIView as AsyncAPIView
from django.core.checks import run_checks
from django.http import HttpResponse
from django.test import AsyncClient
from django.urls import path
from django.views.decorators.cache import cache_page
from rest_framework.authentication import BaseAuthentication, SessionAuthentication
from rest_framework.exceptions import AuthenticationFailed, PermissionDenied
from rest_framework.permissions import AllowAny, BasePermission
from rest_framework.request import Request, clone_request
from rest_framework.response import Response
from rest_framework.views import APIView
from rest_framework.viewsets import ModelViewSet

from api_guard import ANY_OBJECT, PUBLIC, SIGNED_IN, STAFF, any_of, guard
from api_guard import checks as guard_checks
from api_guard.access.endpoints import policy_of
from api_guard.core.operations import Operation
from api_guard.decorators.handling import Handling
from api_guard.permissions import Guarded, HasScopes
from tests.models import Note
from tests.test_cost import NoteSerializer
from tests.test_decisions import lines as lines

pytestmark = [pytest.mark.urls(__name__), pytest.mark.django_db]

FALLBACK = "rest_framework.permissions.IsAuthenticated"
RIGHT = {
    "from": "2026-12-01",
    "until": "2027-01-31",
    "prefixes": ["/api/"],
    "fallback": [FALLBACK],
}
SCOPES = {
    "notes:read": "Read notes",
    "notes:write": "Change notes",
    "pay:refund": {"description": "Refund", "sensitive": True},
}


class Answer(APIView):
    def get(self, request):
        return Response("in")

    def post(self, request):
        return Response("in")


class Scoped(Answer):
    permission_classes = [HasScopes("notes:read")]


class Default(Answer):
    pass


class Undeclared(Answer):
    permission_classes = []


class Closed(Answer):
    permission_classes = [Guarded]


class Loose(Answer):
    permission_classes = []

    def initial(self, request, *args, **kwargs):
        """Asks nothing."""


class Wary(BasePermission):
    """Asks for a parameter, and not who asks."""

    def has_permission(self, request, view):
        return "in" in request.query_params

    def has_object_permission(self, request, view, obj):
        return "hide" not in request.query_params


class Own(Answer):
    permission_classes = [Wary]


class Beside(Answer):
    permission_classes = [Guarded & Wary]


class Either(Answer):
    permission_classes = [HasScopes("notes:read") | Wary]


class Chosen(Answer):
    def get_permissions(self):
        return [AllowAny()] if "in" in self.request.query_params else super().get_permissions()


class Unsure(Answer):
    def get_permissions(self):
        raise KeyError


class Refusing(Answer):
    def get(self, request):
        raise PermissionDenied


class AsyncAnswer(AsyncAPIView):
    async def get(self, request):
        return Response("in")


class AsyncScoped(AsyncAnswer):
    permission_classes = [HasScopes("notes:read")]


class AsyncUndeclared(AsyncAnswer):
    permission_classes = []


class LooseGuarded(Answer):
    def initial(self, request, *args, **kwargs):
        """Asks nothing."""


class SaysNothing(BaseAuthentication):
    def authenticate(self, request):
        from django.contrib.auth import get_user_model

        return get_user_model().objects.get(username="alice"), None


class Silent(Answer):
    authentication_classes = [SaysNothing]


class Tokens(BaseAuthentication):
    def authenticate(self, request):
        if "Authorization" in request.headers:
            raise AuthenticationFailed

    def authenticate_header(self, request):
        return "Token"


class SessionsFirst(Answer):
    """As many projects have them: the first authenticator has no challenge."""

    authentication_classes = [SessionAuthentication, Tokens]


class NotThree(BasePermission):
    message = "not the third"

    def has_permission(self, request, view):
        return request.query_params.get("n") != "3"

    def has_object_permission(self, request, view, obj):
        return obj.title != "third"


class Truthy(BasePermission):
    def has_permission(self, request, view):
        return 1


class Raising(BasePermission):
    def has_permission(self, request, view):
        raise KeyError


class Waiting(BasePermission):
    async def has_permission(self, request, view):
        return True


@guard(read="notes:read", write="notes:write", owner="author")
class Notes(ModelViewSet):
    queryset = Note.objects.order_by("pk")
    serializer_class = NoteSerializer


@guard(read="notes:read", objects=ANY_OBJECT)
class OwnNotes(ModelViewSet):
    permission_classes = [Wary]
    queryset = Note.objects.order_by("pk")
    serializer_class = NoteSerializer


class Plain(ModelViewSet):
    permission_classes = [HasScopes("notes:read")]
    queryset = Note.objects.order_by("pk")
    serializer_class = NoteSerializer


class Again(Answer):
    permission_classes = [HasScopes("notes:read"), HasScopes("notes:write")]

    def get(self, request):
        self.check_permissions(request)
        self.check_permissions(clone_request(request, "POST"))
        return Response("in")


class Probing(Answer):
    def get(self, request):
        self.check_permissions(request)
        self.check_permissions(clone_request(request, "POST"))
        return Response("in")


def around(request):
    view = Undeclared()
    view.setup(request)
    return APIView.dispatch(view, request)


def guarded(cls=Answer, **policy):
    return guard(**policy)(type(cls.__name__, (cls,), {})).as_view()


def plain(request):
    return HttpResponse("in")


urlpatterns = [
    path("api/read", guarded(read="notes:read")),
    path("api/either", guarded(read=any_of("notes:read", "pay:refund"))),
    path("api/staff", guarded(read=STAFF)),
    path("api/staff-scope", guarded(read=(STAFF, "notes:read"))),
    path("api/person", guarded(read=SIGNED_IN)),
    path("api/sensitive", guarded(read="pay:refund")),
    path("api/unknown", guarded(read="unknown:scope")),
    path("api/silent", guarded(write="notes:write")),
    path("api/says-nothing", guarded(Silent, read="notes:read")),
    path("api/sessions-first", guarded(SessionsFirst, read="notes:read")),
    path("api/rate", guarded(read=PUBLIC, throttle="1/h")),
    path("api/rate-staff", guarded(read=STAFF, throttle="1/h")),
    path("api/loose-guarded", guarded(LooseGuarded, read="notes:read")),
    path("api/scopes", Scoped.as_view()),
    path("api/undeclared", Undeclared.as_view()),
    path("api/default", Default.as_view()),
    path("api/closed", Closed.as_view()),
    path("api/loose", Loose.as_view()),
    path("api/plain", plain),
    path("api/around", around),
    path("api/again", Again.as_view()),
    path("api/probing", guarded(Probing, read="notes:read", write="notes:write")),
    path("api/cached", cache_page(60)(Undeclared.as_view())),
    path("api/public", guarded(read=PUBLIC)),
    path("api/async", guarded(AsyncAnswer, read="notes:read")),
    path("api/async-scopes", AsyncScoped.as_view()),
    path("api/async-undeclared", AsyncUndeclared.as_view()),
    path("api/notes", Notes.as_view({"get": "list", "post": "create"})),
    path("api/notes/<int:pk>", Notes.as_view({"get": "retrieve", "delete": "destroy"})),
    path("api/plain-notes/<int:pk>", Plain.as_view({"get": "retrieve"})),
    path("api/own", guarded(Own, read="notes:read")),
    path("api/own-undeclared", Own.as_view()),
    path("api/beside", guarded(Beside, read="notes:read")),
    path("api/either-scopes", guarded(Either, read="notes:read")),
    path("api/chosen", guarded(Chosen, read="notes:read")),
    path("api/unsure", guarded(Unsure, read="notes:read")),
    path("api/refusing", guarded(Refusing, read="notes:read")),
    path("api/own-notes/<int:pk>", OwnNotes.as_view({"get": "retrieve"})),
    path("apix", guarded(read="notes:read")),
]


def at(monkeypatch, text):
    moment = datetime.fromisoformat(text).replace(tzinfo=UTC)
    monkeypatch.setattr("django.utils.timezone.now", lambda: moment)


@pytest.fixture
def report(settings, monkeypatch):
    """Turn report-only on, with what is given instead of the right values."""

    def on(**said):
        settings.API_GUARD = settings.API_GUARD | {"SCOPES": SCOPES, "REPORT_ONLY": RIGHT | said}

    monkeypatch.setattr(
        "api_guard.conf.reporting.timezone.localdate",
        lambda timezone: datetime(2026, 12, 24, tzinfo=UTC).date(),
    )
    on()
    return on


def outcomes(lines):
    return [(each.outcome, each.reason) for each in lines.decisions]


ANYBODY = "rest_framework.permissions.AllowAny"
# What is answered by IsAuthenticated, and what is logged: by caller and path.
HELD = [
    ("read", "alice", 200, "insufficient_scope"),
    ("read", None, 401, "not_authenticated"),
    ("person", None, 401, "not_authenticated"),
    ("person", "token", 200, "first_party_only"),
    ("silent", "alice", 200, "not_offered"),
    ("silent", None, 401, "not_offered"),
    ("says-nothing", "alice", 200, "insufficient_scope"),
    ("scopes", "alice", 200, "insufficient_scope"),
    ("scopes", None, 401, "not_authenticated"),
    ("undeclared", "alice", 200, "undeclared_endpoint"),
    ("undeclared", None, 401, "undeclared_endpoint"),
    ("default", "alice", 200, "undeclared_endpoint"),
    ("around", "alice", 200, "undeclared_endpoint"),
    ("around", None, 401, "undeclared_endpoint"),
    ("closed", None, 401, "undeclared_endpoint"),
    ("notes", "alice", 200, "insufficient_scope"),
    ("async", "alice", 200, "insufficient_scope"),
    ("async-scopes", None, 401, "not_authenticated"),
    ("async-undeclared", "alice", 200, "undeclared_endpoint"),
    ("async-undeclared", None, 401, "undeclared_endpoint"),
]
# What is refused all the same.
NEVER = [
    ("staff", "alice", 403, "staff_only"),
    ("staff-scope", "alice", 403, "staff_only"),
    ("staff", "token", 403, "staff_only"),
    ("sensitive", "alice", 403, "insufficient_scope"),
    ("sensitive", None, 401, "not_authenticated"),
    ("either", "alice", 403, "insufficient_scope"),
    ("unknown", "alice", 403, "insufficient_scope"),
    ("read", "bad token", 401, "invalid_token"),
    ("undeclared", "bad token", 401, "invalid_token"),
    ("read?access_token=a", "alice", 400, "token_in_query"),
    ("loose-guarded", "alice", 403, "unsealed"),
    ("loose", "alice", 403, "unsealed"),
]


@pytest.fixture
def ask(api, alice, issue, application):
    def ask(where, who, method="get", **data):
        if who == "token":
            api.by_token(issue("notes:read", user=alice))
        elif who == "client":
            api.by_token(issue("notes:read"))
        elif who == "bad token":
            api.by_token("nobody's")
        elif who is not None:
            api.by_session(alice)
        return getattr(api, method)(where if where[0] == "/" else f"/api/{where}", **data)

    return ask


@pytest.mark.parametrize(("where", "who", "status", "reason"), HELD)
def test_a_refusal_is_logged_and_answered_as_before(
    report,
    ask,
    lines,
    where,
    who,
    status,
    reason,
):
    response = ask(where, who)
    assert (response.status_code, outcomes(lines)) == (status, [("would_refuse", reason)])
    assert "decision" not in response.json()


@pytest.mark.parametrize(
    ("where", "status"),
    [
        # The view's own permissions answered before, and not the default.
        ("own?in", 200),
        ("own", 401),
        ("own-undeclared?in", 200),
        ("chosen?in", 200),
        # The default answered too.
        ("chosen", 401),
        ("beside?in", 401),
        ("either-scopes?in", 401),
    ],
)
def test_permissions_that_a_view_had_instead_of_the_default_answer_alone(
    report, ask, lines, where, status
):
    assert ask(where, None).status_code == status
    assert lines.decisions[0].answered == status


@pytest.mark.parametrize(("query", "status"), [("?in", 200), ("?in&hide", 401)])
def test_so_they_do_about_an_object(report, ask, bob, query, status):
    report(fallback=[f"{__name__}.NotThree"])
    note = Note.objects.create(author=bob, title="third")
    assert ask(f"own-notes/{note.pk}{query}", None).status_code == status


def test_permissions_that_cannot_be_told_are_refused(report, ask, lines):
    assert ask("unsure", "alice").json()["code"] == "rule_failed"


def test_the_line_tells_what_the_client_got_instead(report, ask, lines):
    assert ask("refusing", "alice").status_code == 403
    assert ask("read", "alice").status_code == 200
    assert [each.answered for each in lines.decisions] == [403, 200]


def test_without_the_middleware_the_line_does_not_tell(report, ask, lines, settings):
    settings.MIDDLEWARE = [name for name in settings.MIDDLEWARE if "api_guard" not in name]
    assert ask("read", "alice").status_code == 200
    assert [each.answered for each in lines.decisions] == [None]


def test_a_probe_is_answered_as_before_and_not_logged(report, ask, lines):
    assert ask("probing", "alice").status_code == 200
    assert outcomes(lines) == [("would_refuse", "insufficient_scope")]


def test_a_log_that_is_off_changes_no_answer(report, ask, lines, caplog):
    caplog.set_level(logging.ERROR, "api_guard.decisions")
    assert ask("read", "alice").status_code == 200
    assert outcomes(lines) == []


@pytest.mark.parametrize(("where", "who", "status", "reason"), NEVER)
def test_what_is_never_held_back(report, ask, lines, where, who, status, reason):
    response = ask(where, who)
    assert (response.status_code, outcomes(lines)) == (status, [("refused", reason)])


@pytest.mark.parametrize(
    ("where", "reason"), [("person", "user_only"), ("read", "insufficient_scope")]
)
def test_a_client_on_its_own_behalf_is_answered_as_before(
    report,
    ask,
    lines,
    where,
    reason,
):
    assert ask(where, "client").status_code == 403
    report(fallback=[ANYBODY])
    assert ask(where, "client").status_code == 200
    assert outcomes(lines) == [("would_refuse", reason)] * 2


def test_plaintext_is_refused_all_the_same(report, ask, settings):
    settings.SECURE_SSL_REDIRECT = True
    assert ask("read", "token").json()["code"] == "insecure_transport"


def test_a_bad_credential_is_401_at_once_and_no_credential_stays_403(report, api, ask):
    """As the page of an existing project tells its clients."""
    assert ask("sessions-first", None).status_code == 403
    answer = api.get("/api/sessions-first", HTTP_AUTHORIZATION="Token bad")
    assert (answer.status_code, answer["WWW-Authenticate"]) == (401, "Token")
    assert answer.json().keys() == {"detail", "code", "decision"}


def test_failed_credentials_are_refused_all_the_same(report, ask, settings):
    settings.API_GUARD = settings.API_GUARD | {"FAILED_CREDENTIALS": {"token": "2/h"}}
    codes = [ask("read", "bad token").json()["code"] for _ in range(4)]
    assert codes[-1] == "too_many_failures"


def test_faults_are_503_all_the_same(report, ask, monkeypatch):
    from django.db import OperationalError

    def down(*args, **kwargs):
        raise OperationalError

    monkeypatch.setattr("api_guard.decorators.passage.decide", down)
    assert ask("read", "alice").status_code == 503


def test_a_rate_is_logged_and_the_decision_answers(report, ask, lines):
    first, second = ask("rate", None), ask("rate", None)
    assert (first.status_code, second.status_code) == (200, 200)
    assert outcomes(lines) == [("would_refuse", "rate_limited")]
    assert lines.decisions[0].rate == "1/h"
    assert "Retry-After" not in second.headers


def test_the_rates_of_staff_are_kept(report, ask):
    assert [ask("rate-staff", "alice").status_code for _ in range(2)] == [403, 429]


def test_no_header_tells_of_it(report, ask, alice, give):
    meanwhile = ask("read", "alice")
    give(alice, "notes:read")
    assert ask("read", "alice").headers == meanwhile.headers


@pytest.mark.parametrize("where", ["/apix", "/api/plain"])
def test_other_paths_and_plain_views_are_refused(report, ask, settings, where):
    settings.API_GUARD = settings.API_GUARD | {"PREFIXES": ["/api/"]}
    assert ask(where, "alice").status_code == 403


def test_an_answer_from_a_cache_around_an_undeclared_view_is_refused(report, ask):
    assert ask("cached", "alice").status_code == 200
    assert ask("cached", "alice").json()["code"] == "unsealed"


def test_each_reason_is_logged_once_and_no_probe_is(report, ask, lines):
    assert ask("again", "alice").status_code == 200
    assert [each.requires_scopes for each in lines.decisions] == [
        (("notes:read",),),
        (("notes:write",),),
    ]


def test_a_view_that_is_called_around_its_gate_is_refused_without_the_setting(ask):
    assert ask("around", "alice").json()["code"] == "undeclared_endpoint"


def test_what_is_shown_beside_an_answer_is_reported_too(report, rf, alice):
    view = Notes()
    view.request = Request(rf.get("/api/notes"))
    handling = Handling(view, policy_of(Notes))
    assert not handling.would_allow(Operation("GET", "list"))
    handling.is_reported = True
    assert handling.would_allow(Operation("GET", "list"))


def test_public_views_are_as_ever(report, ask, lines):
    assert (ask("public", None).status_code, outcomes(lines)) == (200, [])


@pytest.mark.parametrize(
    ("day", "status"),
    [
        ("2026-11-30T23:59:59", 403),
        ("2026-12-01T00:00:00", 200),
        ("2027-01-31T23:59:59", 200),
        ("2027-02-01T00:00:00", 403),
    ],
)
def test_it_begins_and_ends_by_itself(settings, monkeypatch, rf, day, status):
    from api_guard import conf

    settings.API_GUARD = settings.API_GUARD | {"SCOPES": SCOPES, "REPORT_ONLY": RIGHT}
    settings.TIME_ZONE = "UTC"
    at(monkeypatch, day)
    assert (conf.report_only("/api/read") is not None) == (status == 200)


WRONG = [
    ({"from": None}, "as 'from'"),
    ({"from": "2026-W49-1"}, "as 'from'"),
    ({"until": "31.1.2027"}, "as 'until'"),
    ({"until": "2026-11-01"}, "ends before it begins"),
    ({"until": "2027-03-01"}, "is longer than 90 days"),
    ({"prefixes": []}, "as 'prefixes'"),
    ({"prefixes": "/api/"}, "as 'prefixes'"),
    ({"prefixes": ["api/"]}, "begin with a slash"),
    ({"fallback": []}, "as 'fallback'"),
    ({"fallback": [1]}, "as 'fallback'"),
    ({"fallback": ["no.such.Permission"]}, "cannot be imported"),
    ({"fallback": ["django.http.HttpResponse"]}, "is not a permission class"),
    ({"fallback": [f"{__name__}.Waiting"]}, "is not a permission class"),
    ({"fallback": [f"{__name__}.plain"]}, "is not a permission class"),
    ({"fallback": ["api_guard.permissions.Guarded"]}, "the default before"),
    ({"unknown": 1}, "exactly these keys"),
]


@pytest.mark.parametrize(("said", "problem"), WRONG)
def test_a_wrong_value_enforces_and_is_named(report, ask, said, problem):
    report(**said)
    assert ask("read", "alice").status_code == 403
    (error,) = guard_checks.reporting.check_report_only()
    assert (error.id, problem in error.msg) == ("api_guard.E086", True)
    assert guard_checks.reporting.check_reporting() == []


@pytest.mark.parametrize("value", [None, {}, [], "on", {"from": "2026-12-01"}])
def test_any_other_value_enforces(report, ask, settings, value):
    settings.API_GUARD = settings.API_GUARD | {"REPORT_ONLY": value}
    assert ask("read", "alice").status_code == 403
    found = run_checks()
    assert {"api_guard.E086", "api_guard.E001"} & {each.id for each in found}


def test_ninety_days_are_not_too_long(report):
    report(**{"from": "2026-12-01", "until": "2027-02-28"})
    assert guard_checks.reporting.check_report_only() == []


def test_a_warning_under_deploy_says_that_it_is_on(report, settings):
    (warning,) = guard_checks.reporting.check_reporting()
    assert (warning.id, "/api/" in warning.msg) == ("api_guard.W087", True)
    settings.API_GUARD = {"SCOPES": SCOPES}
    assert guard_checks.reporting.check_reporting() == []
    assert guard_checks.reporting.check_report_only() == []


@pytest.mark.parametrize("where", ["read", "undeclared", "scopes"])
@pytest.mark.parametrize(
    ("fallback", "status"),
    [("NotThree", 403), ("Truthy", 403), ("Raising", 403)],
)
def test_a_permission_of_before_gets_the_request_of_drf(report, ask, where, fallback, status):
    report(fallback=[f"{__name__}.{fallback}"])
    response = ask(f"{where}?n=3", "alice")
    assert response.status_code == status
    if fallback == "NotThree":
        assert response.json()["detail"] == "not the third"
        assert ask(f"{where}?n=4", "alice").status_code == 200


@pytest.mark.parametrize("where", ["notes", "plain-notes"])
def test_the_permissions_of_before_judge_objects(report, ask, bob, where):
    report(fallback=[f"{__name__}.NotThree"])
    first, third = (Note.objects.create(author=bob, title=t) for t in ("first", "third"))
    assert ask(f"{where}/{first.pk}", "alice").status_code == 200
    assert ask(f"{where}/{third.pk}", "alice").status_code == 403


def test_object_rules_do_not_narrow_meanwhile(report, ask, alice, bob, give):
    give(alice, "notes:read", "notes:write")
    note = Note.objects.create(author=bob, title="first")
    assert len(ask("notes", "alice").json()) == 1
    assert ask(f"notes/{note.pk}", "alice", "delete").status_code == 204
    assert not Note.objects.exists()


def test_object_rules_hold_afterwards(report, ask, alice, bob, give):
    give(alice, "notes:read")
    Note.objects.create(author=bob, title="first")
    report(prefixes=["/other/"])
    assert ask("notes", "alice").json() == []


def test_async_views_are_answered_as_before_on_an_event_loop(report, alice, lines):
    client = AsyncClient()
    response = asyncio.run(client.get("/api/async-undeclared"))
    assert response.status_code == 401
    assert outcomes(lines) == [("would_refuse", "undeclared_endpoint")]
