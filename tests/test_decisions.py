"""Each decision leaves one line: who was refused what, and why. The client gets its id."""

from __future__ import annotations

import asyncio
import json
import logging
import logging.config
import re
from concurrent.futures import ThreadPoolExecutor
from dataclasses import fields
from pathlib import Path
from urllib.parse import quote

import pytest
from adrf.views import APIView as AsyncAPIView
from django.contrib.auth.models import Group
from django.test import AsyncClient
from django.urls import path, re_path
from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import NotFound
from rest_framework.response import Response
from rest_framework.views import APIView
from rest_framework.viewsets import ModelViewSet

from api_guard import PUBLIC, SIGNED_IN, STAFF, any_of, grants, guard
from api_guard.access.decisions import cap, read_line, telling
from api_guard.core.decision_records import DecisionRecord, record_from
from api_guard.exceptions import UndeclaredEndpoint, Unsealed
from api_guard.explain.reasons import BECAUSE
from api_guard.permissions import HasScopes
from api_guard.signals import access_allowed, access_denied
from tests.models import Note
from tests.test_cost import NoteSerializer

pytestmark = [pytest.mark.urls(__name__), pytest.mark.django_db]

ENDPOINT = f"{__name__}.Answer[guarded]"


class Answer(APIView):
    def get(self, request):
        return Response("in")

    def put(self, request):
        request.data  # noqa: B018  # reads it
        return Response("in")


class SaysNothing(BaseAuthentication):
    def authenticate(self, request):
        from django.contrib.auth import get_user_model

        return get_user_model().objects.get(username="alice"), None


class Reading(Answer):
    permission_classes = [HasScopes("notes:read")]


class Both(Answer):
    permission_classes = [HasScopes("notes:read"), HasScopes("notes:write")]


class Undeclared(Answer):
    permission_classes = []


class Loose(Answer):
    def initial(self, request, *args, **kwargs):
        """Asks nothing."""


class Broken(Answer):
    def get(self, request):
        raise Unsealed


class Silent(Answer):
    authentication_classes = [SaysNothing]


@guard(read=any_of("notes:read", "audit:read"), write="notes:write", owner="author")
class Notes(ModelViewSet):
    queryset = Note.objects.order_by("pk")
    serializer_class = NoteSerializer

    def taken(self, request, pk):
        note = Note.objects.get(pk=pk)
        self.check_object_permissions(request, note)
        return Response("in")

    def missing(self, request, pk):
        raise NotFound


class Rated(Answer):
    pass


def guarded(cls=Answer, **policy):
    return guard(**policy)(cls).as_view()


urlpatterns = [
    path("read", guarded(read="notes:read")),
    path("both", guarded(read=("notes:read", "notes:write"))),
    path("either", guarded(read=any_of("notes:read", "notes:write"))),
    path("staff", guarded(read=STAFF, write="notes:write")),
    path("person", guarded(read=SIGNED_IN)),
    path("staff-scope", guarded(read=(STAFF, "notes:read"))),
    path("public", guarded(read=PUBLIC)),
    path("silent", guarded(write="notes:write")),
    path("says-nothing", guarded(Silent, read="notes:read")),
    path("rate", guarded(Rated, read=PUBLIC, throttle="1/h")),
    path("scopes", Reading.as_view()),
    path("scopes-both", Both.as_view()),
    path("undeclared", Undeclared.as_view()),
    path("loose", guarded(Loose, read=PUBLIC)),
    path("broken", guarded(Broken, read=PUBLIC)),
    path("notes/<int:pk>", Notes.as_view({"get": "retrieve", "delete": "destroy"})),
    path("taken/<int:pk>", Notes.as_view({"get": "taken"})),
    path("missing/<int:pk>", Notes.as_view({"get": "missing"})),
    re_path(r"^any[\s\S]*$", Undeclared.as_view()),
]


class Lines(logging.Handler):
    """The decisions that were logged, in order."""

    def __init__(self):
        super().__init__()
        self.records = []

    def emit(self, record):
        self.records.append(record)

    @property
    def decisions(self):
        found = [read_line(record.getMessage()) for record in self.records]
        assert found == [getattr(record, "decision", None) for record in self.records]
        return [each for each in found if each is not None]


@pytest.fixture
def lines():
    handler = Lines()
    telling.logger.addHandler(handler)
    yield handler
    telling.logger.removeHandler(handler)


@pytest.fixture
def all_lines(lines):
    telling.logger.setLevel(logging.DEBUG)
    yield lines
    telling.logger.setLevel(logging.NOTSET)


@pytest.fixture
def received():
    """What the signals sent, by their names."""
    seen = []

    def allowed(sender, **values):
        seen.append(("allowed", sender, values))

    def denied(sender, **values):
        seen.append(("denied", sender, values))

    access_allowed.connect(allowed)
    access_denied.connect(denied)
    yield seen
    access_allowed.disconnect(allowed)
    access_denied.disconnect(denied)


def anonymous(api, **_):
    return api


def session(api, alice, **_):
    return api.by_session(alice)


def users_token(api, alice, issue, **_):
    return api.by_token(issue("notes:read", user=alice))


def clients_token(api, issue, **_):
    return api.by_token(issue("notes:read"))


def clientless(api, alice, issue, **_):
    return api.by_token(issue("notes:read", user=alice, to=None))


def bad_token(api, **_):
    return api.by_token("nonsense")


REFUSALS = [
    (anonymous, "get", "/read", 401, "not_authenticated"),
    (bad_token, "get", "/read", 401, "invalid_token"),
    (session, "get", "/read", 403, "insufficient_scope"),
    (users_token, "get", "/read", 403, "insufficient_scope"),
    (clients_token, "get", "/read", 403, "insufficient_scope"),
    (clientless, "get", "/read", 403, "insufficient_scope"),
    (session, "get", "/says-nothing", 403, "insufficient_scope"),
    (session, "get", "/scopes", 403, "insufficient_scope"),
    (session, "get", "/staff", 403, "staff_only"),
    (clients_token, "get", "/person", 403, "user_only"),
    (users_token, "get", "/person", 403, "first_party_only"),
    (session, "get", "/silent", 403, "not_offered"),
    (session, "get", "/undeclared", 403, "undeclared_endpoint"),
    (session, "get", "/loose", 403, "unsealed"),
    (session, "get", "/broken", 403, "unsealed"),
    (anonymous, "get", "/read?access_token=secret", 400, "token_in_query"),
    (anonymous, "get", "/public?a=%00", 400, "malformed_request"),
]


@pytest.mark.parametrize(("who", "method", "url", "status", "code"), REFUSALS)
def test_the_id_in_the_body_finds_the_line_of_the_refusal(
    lines, api, alice, issue, who, method, url, status, code
):
    client = who(api=api, alice=alice, issue=issue)
    response = getattr(client, method)(url)
    body = response.json()
    assert (response.status_code, body["code"]) == (status, code)
    [record] = lines.decisions
    assert record.id == body["decision"]
    assert len(record.id) == 32
    assert (record.outcome, record.reason, record.status) == ("refused", code, status)
    assert (record.method, record.path) == (method.upper(), url.partition("?")[0])
    [logged] = lines.records
    assert logged.levelno == logging.WARNING
    assert "secret" not in logged.getMessage()
    assert "nonsense" not in logged.getMessage()


@pytest.mark.parametrize(
    ("given", "because"),
    [
        ({"seconds": -1}, "expired"),
        ({"to": None}, "no_user_and_no_client"),
        ({"resource": ["https://elsewhere.example/"]}, "other_resource"),
        ({"user": "gone"}, "inactive_user"),
        ({}, "unusable_client"),
    ],
)
def test_a_line_says_why_a_token_was_refused_and_the_client_is_not_told(
    lines, api, application, issue, django_user_model, monkeypatch, given, because
):
    if "user" in given:
        given = {"user": django_user_model.objects.create_user("gone", is_active=False)}
    if not given:
        monkeypatch.setattr(type(application), "is_usable", lambda *_: False)
    token = issue("notes:read", **given)
    said = {
        name: api.by_token(each).get("/read").json()
        for name, each in (("bad", token), ("unknown", "nonsense"))
    }
    for body in said.values():
        del body["decision"]
    assert said["bad"] == said["unknown"]
    assert [record.because for record in lines.decisions] == [because, "unknown_token"]
    assert because in BECAUSE


def test_a_line_says_who_asked_for_what_and_which_side_lacks_which_scope(
    lines, api, alice, application, issue, give
):
    group = Group.objects.create(name="readers")
    alice.groups.add(group)
    give(group, "notes:read")
    give(application, "notes:write")
    api.by_token(issue("notes:read", user=alice)).get("/both")
    [record] = lines.decisions
    assert record == DecisionRecord(
        id=record.id,
        outcome="refused",
        reason="insufficient_scope",
        status=403,
        method="GET",
        path="/both",
        route="both",
        view=ENDPOINT,
        user=str(alice.pk),
        client=str(application.pk),
        credential="token",
        standing="SIGNED_IN",
        requires_scopes=(("notes:read",), ("notes:write",)),
        token_lacks=("notes:write",),
        user_lacks=("notes:write",),
        client_lacks=("notes:read",),
    )


def test_alternatives_that_no_side_has_in_common_are_lacking_on_each(
    lines, api, alice, application, issue, give
):
    give(alice, "notes:read")
    give(application, "notes:read")
    api.by_token(issue("notes:write notes:read", user=alice)).get("/either")
    assert lines.decisions == []
    give(alice, "notes:write")
    api.by_token(issue("notes:write", user=alice)).get("/either")
    [record] = lines.decisions
    assert (record.token_lacks, record.client_lacks) == (("notes:read",), ("notes:write",))
    assert record.user_lacks == ()


def test_a_side_that_was_not_looked_up_is_left_out(lines, api, alice, give):
    give(alice, "notes:read")
    api.by_session(alice).get("/both")
    [record] = lines.decisions
    assert (record.token_lacks, record.client_lacks) == (None, None)
    assert record.user_lacks == ("notes:write",)


def test_a_token_without_a_client_is_named_as_the_reason(lines, api, alice, issue, give):
    give(alice, "notes:read")
    api.by_token(issue("notes:read", user=alice, to=None)).get("/read")
    [record] = lines.decisions
    assert record.because == "clientless_token"
    assert (record.token_lacks, record.user_lacks, record.client_lacks) == ((), (), None)


def test_a_credential_without_scopes_is_named_as_the_reason(lines, api, alice, give):
    give(alice, "notes:read")
    api.get("/says-nothing")
    [record] = lines.decisions
    assert (record.because, record.credential) == ("scopes_not_reported", "unknown")


def test_a_rate_is_named_with_its_wait(lines, api):
    api.get("/rate")
    body = api.get("/rate").json()
    [record] = lines.decisions
    assert (record.reason, record.status, record.id) == ("rate_limited", 429, body["decision"])
    assert (record.rate, record.wait) == ("1/h", body["wait"])
    assert record.address == "127.0.0.1"


def test_a_plaintext_request_and_one_that_the_gate_refuses_name_the_view(lines, api, settings):
    api.get("/undeclared")
    settings.SECURE_SSL_REDIRECT = True
    assert api.get("/public").json()["code"] == "insecure_transport"
    undeclared, plaintext = lines.decisions
    assert undeclared.view == f"{__name__}.Undeclared"
    assert plaintext.path == "/public"


def test_what_is_down_is_unavailable_and_not_refused(lines, api, alice, monkeypatch):
    def down(*_):
        raise ConnectionError

    monkeypatch.setattr(grants, "granted", down)
    body = api.by_session(alice).get("/read").json()
    [record] = lines.decisions
    assert (record.outcome, record.reason) == ("unavailable", "guard_unavailable")
    assert record.id == body["decision"]


# Object rules.


def test_a_404_of_an_object_rule_has_a_line_and_no_id(lines, api, alice, bob, give):
    give(alice, "notes:read")
    note = Note.objects.create(author=bob, title="bob's")
    api.by_session(alice)
    hidden, missing = api.get(f"/notes/{note.pk}"), api.get("/notes/999999")
    assert hidden.status_code == missing.status_code == 404
    assert hidden.content == missing.content
    assert hidden.headers == missing.headers
    assert [record.reason for record in lines.decisions] == ["not_found", "not_found"]
    assert b"decision" not in hidden.content


def test_an_object_that_the_handler_took_by_itself_is_hidden_without_an_id(
    lines, api, alice, bob, give
):
    give(alice, "notes:read")
    note = Note.objects.create(author=bob, title="bob's")
    response = api.by_session(alice).get(f"/taken/{note.pk}")
    assert response.status_code == 404
    assert list(response.json()) == ["detail"]
    [record] = lines.decisions
    assert (record.reason, record.status, record.action) == ("hidden_object", 404, "taken")
    assert record.view == f"{__name__}.Notes"


def test_a_404_in_which_no_object_rule_had_a_part_has_no_line(lines, api, alice, give):
    give(alice, "notes:read")
    assert api.by_session(alice).get("/missing/1").status_code == 404
    assert lines.decisions == []


# Admissions and signals.


@pytest.mark.parametrize("url", ["/read", "/scopes", "/scopes-both"])
def test_an_admission_is_one_line_at_debug(all_lines, api, alice, give, url):
    give(alice, "notes:read", "notes:write")
    assert api.by_session(alice).get(url).status_code == 200
    [record] = all_lines.decisions
    assert (record.outcome, record.reason, record.status) == ("allowed", "", None)
    assert record.user == str(alice.pk)
    assert all_lines.records[0].levelno == logging.DEBUG


def test_an_admission_is_silent_unless_somebody_listens(lines, api, received):
    assert api.get("/public").status_code == 200
    assert lines.records == []
    [(name, sender, values)] = received
    assert name == "allowed"
    assert issubclass(sender, Answer)
    assert values["decision"].outcome == "allowed"
    assert values["request"].path == "/public"


def test_nothing_is_computed_where_nobody_is_told(api, alice, give, monkeypatch):
    give(alice, "notes:read")
    monkeypatch.setattr(telling.logger, "disabled", True)
    monkeypatch.setattr("secrets.token_hex", None)
    response = api.get("/read")
    assert "decision" not in response.json()
    assert api.get("/public").status_code == 200
    assert api.by_session(alice).get("/notes/1").status_code == 404


def test_a_receiver_is_told_of_a_refusal_that_is_not_logged(api, received, monkeypatch):
    monkeypatch.setattr(telling.logger, "disabled", True)
    body = api.get("/read").json()
    [(name, _, values)] = received
    assert (name, values["decision"].id) == ("denied", body["decision"])


def test_the_sender_is_nobody_where_no_view_is_known(api, received, settings):
    settings.SECURE_SSL_REDIRECT = True
    api.get("/public")
    [(name, sender, _)] = received
    assert (name, sender) == ("denied", None)


def test_a_receiver_that_raises_changes_no_answer(api, caplog):
    def fails(sender, **_):
        raise ValueError

    access_denied.connect(fails)
    try:
        response = api.get("/read")
    finally:
        access_denied.disconnect(fails)
    assert response.status_code == 401
    assert response.json()["decision"]


def test_a_coroutine_that_cannot_be_asked_changes_no_answer(caplog, settings):
    async def receiver(sender, **_):
        """Cannot be called from an event loop that does not wait for it."""

    settings.SECURE_SSL_REDIRECT = True
    access_denied.connect(receiver)

    async def ask():
        return await AsyncClient().get("/public")

    try:
        response = asyncio.run(ask())
    finally:
        access_denied.disconnect(receiver)
    assert response.status_code == 403
    assert "could not be called" in caplog.text


def test_head_is_refused_with_a_line(lines, api):
    assert api.head("/read").status_code == 401
    [record] = lines.decisions
    assert record.method == "HEAD"


# Lines.


@pytest.mark.parametrize(
    "path",
    [
        'a\n{"decision": "forged", "outcome": "allowed"}',
        "a\r\x1b[2Jb\x00",
        "a\u2028b\u0085c",
        'a%s %(message)s "b"',
        "x" * 5000,
    ],
)
def test_no_path_forges_a_line(lines, client, path):
    client.get(f"/any{quote(path)}")
    [logged] = lines.records
    text = logged.getMessage()
    assert text.isascii()
    assert text.isprintable()
    assert len(text) < 3000
    [record] = lines.decisions
    assert record.path == f"/any{path}" or record.path.endswith("…")


def test_a_line_is_read_behind_a_prefix_and_out_of_json(lines, api):
    api.get("/read")
    [logged], [record] = lines.records, lines.decisions
    text = logged.getMessage()
    assert read_line(f"2026-11-26 WARNING api_guard.decisions: {text}\n") == record
    assert read_line(json.dumps({"level": "WARNING", "message": text})) == record
    assert read_line(json.dumps({"level": 1, "decision": json.loads(text)})) == record


def test_a_line_that_was_not_signed_here_is_not_read(lines, api, settings):
    api.get("/read")
    text = lines.records[0].getMessage()
    said = json.loads(text)
    assert read_line(text) is not None
    for forged in (
        json.dumps({**said, "user": "7"}),
        json.dumps({**said, "signature": 7}),
        json.dumps({**said, "unknown": "7"}),
        json.dumps({name: said[name] for name in said if name != "signature"}),
        json.dumps([said]),
        text[:-2],
        "[" * 100_000,
        '"decision"',
        "",
    ):
        assert read_line(forged) is None
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = "another", [settings.SECRET_KEY]
    assert read_line(text) is not None
    settings.SECRET_KEY_FALLBACKS = []
    assert read_line(text) is None


@pytest.mark.parametrize(
    "said",
    [
        {"status": "200"},
        {"reason": 7},
        {"requires_scopes": ["notes:read"]},
        {"requires_scopes": [[7]]},
        {"user_lacks": "notes:read"},
        {"outcome": None},
    ],
)
def test_a_record_of_another_shape_is_not_read(said):
    good = DecisionRecord("id", "refused", requires_scopes=(("a", "b"),), user_lacks=(), wait=7)
    assert record_from(json.loads(good.as_line())) == good
    assert record_from({**good.as_dict(), **said}) is None


# The cap.


def test_refusals_of_one_caller_are_capped_and_those_left_out_are_counted(lines, api, monkeypatch):
    clock = [1000.0]
    monkeypatch.setattr(cap.time, "monotonic", lambda: clock[0])
    bodies = [api.get("/read").json() for _ in range(cap.LINES + 5)]
    assert len(lines.records) == cap.LINES
    assert sum("decision" in body for body in bodies) == cap.LINES
    assert len(set(bodies[0])) == 3
    # Another caller has lines of its own.
    api.get("/read", REMOTE_ADDR="192.0.2.1")
    assert len(lines.records) == cap.LINES + 1
    clock[0] += cap.SECONDS
    lines.records.clear()
    api.get("/read")
    summary, line = lines.records
    assert json.loads(summary.getMessage()) == {
        "suppressed": 5,
        "caller": "address:127.0.0.1",
        "seconds": 60,
    }
    assert (summary.suppressed, summary.caller, summary.levelname) == (
        5,
        "address:127.0.0.1",
        "WARNING",
    )
    assert read_line(line.getMessage()) is not None


def test_a_receiver_is_told_of_what_the_cap_leaves_out(api, received, alice):
    api.by_session(alice)
    bodies = [api.get("/read").json() for _ in range(cap.LINES + 5)]
    assert len(received) == cap.LINES + 5
    assert all("decision" in body for body in bodies)


def test_the_cap_is_exact_under_threads_and_bounded():
    counted = cap.Cap()
    with ThreadPoolExecutor(8) as threads:
        taken = list(threads.map(lambda _: counted.take("user:1")[0], range(2000)))
    assert sum(taken) == cap.LINES
    for number in range(3000):
        counted.take(f"address:{number}")
    assert len(counted._counts) <= cap._MOST_CALLERS + 1
    assert counted._counts[cap.OTHERS] == 3000 - (cap._MOST_CALLERS - 1)


def test_a_refusal_without_a_request_is_recorded_all_the_same(lines):
    from api_guard.access.decisions import record_refused

    refusal = UndeclaredEndpoint()
    record_refused(refusal, None)
    record_refused(refusal, None)
    [record] = lines.decisions
    assert (record.reason, record.path) == ("undeclared_endpoint", "")


def test_the_lack_of_a_personal_token_is_on_the_token_and_the_user(
    lines, api, alice, issue, give, settings
):
    settings.API_GUARD = {**settings.API_GUARD, "CLIENTLESS_TOKENS": "user"}
    give(alice, "notes:read")
    token = issue("notes:read", user=alice, to=None)
    assert api.by_token(token).get("/read").status_code == 200
    response = api.get("/both")
    assert 'error="insufficient_scope"' in response["WWW-Authenticate"]
    assert api.get("/person").json()["code"] == "first_party_only"
    record, _ = lines.decisions
    assert (record.credential, record.because) == ("personal", "")
    assert (record.token_lacks, record.client_lacks) == (("notes:write",), None)


def test_the_docs_log_decisions_in_a_file_that_is_read_again(api, tmp_path):
    page = (Path(__file__).parent.parent / "docs" / "decisions.md").read_text()
    blocks = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    said = {}
    for block in blocks:
        if "LOGGING = " in block or "JSONFormatter" in block:
            exec(block.replace("/var/log/api", str(tmp_path)), said)
    config = said["LOGGING"]
    logger = telling.logger
    before = (logger.handlers[:], logger.level, logger.propagate)
    try:
        logging.config.dictConfig(config)
        [handler] = logger.handlers
        api.get("/read")
        handler.setFormatter(said["JSONFormatter"]())
        api.get("/read")
        handler.close()
    finally:
        logger.handlers[:], logger.level, logger.propagate = before
        logger.setLevel(before[1])
    lines = (tmp_path / "decisions.log").read_text().splitlines()
    assert [read_line(line).reason for line in lines] == ["not_authenticated"] * 2


class Awaited(AsyncAPIView):
    async def get(self, request):
        return Response("in")


urlpatterns.append(path("awaited", guarded(Awaited, read="notes:read")))


@pytest.mark.django_db(transaction=True)
def test_a_refusal_in_an_event_loop_is_recorded(lines):
    response = asyncio.run(AsyncClient().get("/awaited"))
    [record] = lines.decisions
    assert (response.status_code, response.json()["decision"]) == (401, record.id)
    assert record.view == f"{__name__}.Awaited[guarded]"


def test_every_field_stands_in_the_docs():
    page = (Path(__file__).parent.parent / "docs" / "decisions.md").read_text()
    for field in fields(DecisionRecord)[1:]:
        assert re.search(rf"^\| .*`{field.name}`.* \|", page, re.MULTILINE), field.name
    assert str(cap.LINES) in page
    assert f"{cap._MOST_CALLERS:,} callers" in page
