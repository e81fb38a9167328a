"""`guard_can` and `guard_who`: who may, why not, and what would change it."""

from __future__ import annotations

import io
import json
from datetime import timedelta

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group
from django.core.management import CommandError, call_command
from django.utils import timezone
from oauth2_provider.models import Application

from api_guard import grants
from api_guard.core.decision import Denial
from api_guard.core.decision_records import DecisionRecord
from api_guard.explain import Question, explain
from api_guard.explain.reasons import REASONS, in_words
from api_guard.limits import counters
from api_guard.models import ScopeGrant, recorded
from tests import test_docs
from tests.models import Note
from tests.test_decisions import REFUSALS, lines  # noqa: F401

pytestmark = [pytest.mark.urls("tests.test_explain"), pytest.mark.django_db]

# What guard_can cannot see again: the credential itself, the transport, what was sent, the way
# through the view.
ONCE = {"invalid_token", "token_in_query", "malformed_request", "unsealed"}


def run(command, *arguments, **options):
    """Return the exit code of a command, and what it prints."""
    out = io.StringIO()
    try:
        call_command(command, *arguments, stdout=out, **options)
    except SystemExit as done:
        return done.code, out.getvalue()
    return 0, out.getvalue()


def can(*arguments):
    return run("guard_can", *arguments)


def log_of(lines, tmp_path):  # noqa: F811
    """Return a log with the decisions among other lines."""
    path = tmp_path / "decisions.log"
    found = [record.getMessage() for record in lines.records]
    forged = [line.replace("refused", "allowed") for line in found]
    path.write_text("\n".join(["a line of something else", *forged, *found, ""]))
    return str(path)


@pytest.mark.parametrize(("who", "method", "url", "status", "code"), REFUSALS)
def test_a_refusal_is_explained_by_its_line_and_decided_again_the_same(
    lines,  # noqa: F811
    tmp_path,
    api,
    alice,
    issue,
    who,
    method,
    url,
    status,
    code,
):
    client = who(api=api, alice=alice, issue=issue)
    body = getattr(client, method)(url).json()
    log = log_of(lines, tmp_path)
    exit_code, text = can("--decision", body["decision"], "--log", log, "--format", "json")
    said = json.loads(text)
    assert said["decision"]["reason"] == code == body["code"]
    assert said["then"].startswith(f"refused: {code}. {REASONS[code]}")
    if code not in ONCE and url != "/says-nothing":
        assert (exit_code, said["now"]["reason"]) == (1, code)


def test_every_denial_is_in_the_table():
    assert {denial.value for denial in Denial} <= {code for *_, code in REFUSALS}


def test_a_rate_that_is_used_up_is_seen_and_not_counted(lines, tmp_path, api, alice, give):  # noqa: F811
    give(alice, "notes:read")
    asked = ("--user", "alice", "GET", "/rated")
    for _ in range(3):
        assert can(*asked) == (0, can(*asked)[1])
    assert "Left: 1 of 1/h." in can(*asked)[1]
    api.by_session(alice)
    assert api.get("/rated").status_code == 200
    body = api.get("/rated").json()
    exit_code, text = can(*asked)
    assert (exit_code, text.splitlines()[0]) == (1, "refused: rate_limited")
    assert "Used up: 1/h for" in text
    _, text = can("--decision", body["decision"], "--log", log_of(lines, tmp_path))
    assert "Then: refused: rate_limited. The caller made too many requests. The rate is 1/h" in text
    assert "Now: refused: rate_limited" in text


def test_rates_of_strangers_are_counted_by_address_which_is_not_known():
    assert "rates: not evaluated. They are counted by address." in can("GET", "/rated-for-all")[1]


def test_counters_that_cannot_be_read_are_told(alice, give, monkeypatch):
    def down(*_, **__):
        raise counters.CounterFault

    give(alice, "notes:read")
    monkeypatch.setattr(counters, "take", down)
    exit_code, text = can("--user", "alice", "GET", "/rated")
    assert exit_code == 0
    assert "The counters could not be read." in text


def test_rates_that_are_switched_off_are_none(alice, give, settings):
    settings.RATELIMIT_ENABLE = False
    give(alice, "notes:read")
    assert can("--user", "alice", "GET", "/rated")[0] == 0


def test_an_override_of_a_rate_counts(alice, give):
    from api_guard.models import RateOverride

    give(alice, "notes:read")
    with recorded():
        RateOverride.objects.create(
            user=alice, name="tests.test_explain.View[guarded]:1/h", limit=7, reason="x"
        )
    assert can("--user", "alice", "GET", "/rated")[0] == 0


def test_what_was_refused_may_be_allowed_now(lines, tmp_path, api, alice, give):  # noqa: F811
    body = api.by_session(alice).get("/read").json()
    log = log_of(lines, tmp_path)
    give(alice, "notes:read")
    exit_code, text = can("--decision", body["decision"], "--log", log)
    assert exit_code == 0
    assert text.startswith(
        "Then: refused: insufficient_scope. The caller lacked a scope. The user lacked notes:read."
    )
    assert "\nNow: allowed\n" in text


def test_a_token_is_taken_to_carry_what_its_line_does_not_say_it_lacks(
    lines,  # noqa: F811
    tmp_path,
    api,
    alice,
    application,
    issue,
    give,
):
    give(alice, "notes:read")
    body = api.by_token(issue("notes:read", user=alice)).get("/read").json()
    other = api.by_token(issue("notes:write", user=alice)).get("/read").json()
    log = log_of(lines, tmp_path)
    give(application, "notes:read")
    assert can("--decision", body["decision"], "--log", log)[0] == 0
    exit_code, text = can("--decision", other["decision"], "--log", log)
    assert exit_code == 1
    assert "To allow it: get a token that carries notes:read." in text


def test_the_log_may_come_by_stdin(lines, api, monkeypatch):  # noqa: F811
    body = api.get("/read").json()
    log = io.StringIO(lines.records[0].getMessage())
    monkeypatch.setattr("sys.stdin", log)
    exit_code, text = can("--decision", body["decision"], "--log", "-")
    assert exit_code == 1
    assert "Now: refused: not_authenticated" in text


@pytest.mark.parametrize("method", ["GET", "get"])
@pytest.mark.parametrize(
    "path",
    ["/read", "read", "/read?page=2", "https://api.example.com/read?page=2", "http://x/re%61d"],
)
def test_a_request_may_be_named_as_a_log_or_a_browser_shows_it(alice, give, method, path):
    give(alice, "notes:read")
    exit_code, text = can("--user", "alice", method, path)
    assert (exit_code, text.partition("\n")[0]) == (0, "allowed")


def test_a_method_of_a_views_own_is_asked_for_in_capitals(alice):
    assert can("--user", "alice", "PURGE", "/read")[0] == 1


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["GET"], "Name a request"),
        (["alice", "/read"], "guard_can --user alice GET /read"),
        (["GET", "https://[/read"], "is not a URL"),
        (["GET", "/read", "--log", "x"], "Name a request"),
        (["--decision", "1"], "--decision ID --log FILE"),
        (["--decision", "1", "--log", "x", "GET", "/read"], "--decision ID --log FILE"),
        (["--decision", "1", "--log", "/nowhere/at/all"], "cannot be read"),
        (["--user", "nobody", "GET", "/read"], "no user 'nobody'"),
        (["--client", "nobody", "GET", "/read"], "no client 'nobody'"),
    ],
)
def test_what_cannot_be_asked_is_told(arguments, said):
    with pytest.raises(CommandError, match=said):
        can(*arguments)


def test_a_decision_that_is_not_in_the_log_is_told(lines, tmp_path, api, alice):  # noqa: F811
    body = api.by_session(alice).get("/read").json()
    log = log_of(lines, tmp_path)
    with pytest.raises(CommandError, match="has no line of the decision"):
        can("--decision", "0" * 32, "--log", log)
    alice.delete()
    with pytest.raises(CommandError, match=r"The user \d+ does not exist any more"):
        can("--decision", body["decision"], "--log", log)


# Words.


def test_every_code_of_the_docs_has_words():
    table = (test_docs.DOCS / "errors.md").read_text()
    codes = {cls.default_code for cls in test_docs.all_refusals()}
    assert codes <= set(REASONS)
    assert set(REASONS) - codes == {"hidden_object", "not_found"}
    assert all(code in table for code in codes)


def test_a_decision_in_words_says_which_side_lacked_what():
    record = DecisionRecord(
        "id",
        "refused",
        "insufficient_scope",
        "clientless_token",
        token_lacks=("a",),
        user_lacks=(),
        client_lacks=("b", "c"),
    )
    assert in_words(record) == (
        "refused: insufficient_scope. The caller lacked a scope. The token was not issued to a "
        "known client. The token lacked a. The client lacked b c."
    )
    assert in_words(DecisionRecord("id", "allowed")) == "allowed."
    assert "An authenticator of the project" in in_words(
        DecisionRecord("id", "refused", "token_not_valid")
    )


def test_what_would_be_granted_to_whom_is_said(alice, application, give):
    _, text = can("--user", "alice", "--client", application.client_id, "GET", "/read")
    assert "grant notes:read to user alice, or to a group of that user" in text
    assert "and grant notes:read to client app" in text
    assert "token that carries" not in text
    _, text = can("--user", "alice", "--scopes", "", "GET", "/either")
    assert "get a token that carries notes:read; or " in text
    assert 'set API_GUARD["CLIENTLESS_TOKENS"] = "user"' in text
    give(alice, "notes:read")
    [remedy] = explain(Question("GET", "/both", alice)).remedies
    assert remedy == "grant notes:write to user alice, or to a group of that user."


def test_grants_are_walked_with_what_has_ended(alice, settings):
    settings.API_GUARD = {**settings.API_GUARD, "EVERYONE_GROUP": "everyone"}
    readers, everyone = (Group.objects.create(name=name) for name in ("readers", "everyone"))
    alice.groups.add(readers)
    by = grants.System("a test")
    grants.grant("notes:read", readers, by=by, expires_at=timezone.now() + timedelta(days=1))
    grants.grant("notes:read", everyone, by=by)
    grants.revoke(grants.grant("notes:read", alice, by=by), by=by)
    with recorded():
        past = timezone.now() - timedelta(days=1)
        ScopeGrant.objects.bulk_create(
            [ScopeGrant(scope="notes:write", user=alice, granted_at=past, expires_at=past)]
        )
    exit_code, text = can("--user", "alice", "GET", "/either")
    assert exit_code == 0
    assert "notes:read to group readers until 20" in text
    assert "notes:read to everyone" in text
    assert "Ended: notes:read to user alice, revoked on 20" in text
    assert "notes:write to user alice, expired on 20" in text


# Who asks.


@pytest.mark.parametrize(
    ("arguments", "reason", "said"),
    [
        (["GET", "/read"], "not_authenticated", "There is no credential."),
        (["--user", "alice", "GET", "/tokens"], "not_authenticated", "no authenticator for sess"),
        (
            ["--user", "alice", "--scopes", "a", "GET", "/sessions"],
            "not_authenticated",
            "no authenticator for access tokens",
        ),
        (
            ["--user", "alice", "--scopes", "a", "GET", "/toolkit"],
            "insufficient_scope",
            "do not report scopes",
        ),
        (["--user", "gone", "GET", "/read"], "not_authenticated", "is not active"),
        (["--user", "gone", "--scopes", "", "GET", "/read"], "invalid_token", "are refused"),
        (["--client", "app", "GET", "/read"], "insufficient_scope", "token of client app"),
        (["--user", "alice", "GET", "/chosen"], "insufficient_scope", "alice, by a session"),
        (["--user", "alice", "--scopes", "", "GET", "/chosen"], "insufficient_scope", "no scopes"),
        (["--user", "alice", "GET", "/nowhere"], "no_route", "No URL matches /nowhere."),
        (["--user", "alice", "DELETE", "/public"], "method_not_allowed", "nothing is declared"),
        (["PATCH", "/all"], "method_not_allowed", "handler: refused. It has no handler for PATCH."),
        (["GET", "/loose"], None, ""),
        (["GET", "/plain"], None, "It is not a guarded view."),
        (["--user", "alice", "GET", "/scoped"], "insufficient_scope", "HasScopes: refused"),
        (["--user", "sue", "get", "/staff?a=b"], None, "STAFF is required"),
    ],
)
def test_the_caller_and_the_view_are_judged_as_they_are_served(
    alice, staff, application, arguments, reason, said
):
    get_user_model().objects.create_user("gone", is_active=False)
    application.client_id = "app"
    application.save()
    exit_code, text = can(*arguments)
    assert said in text
    assert exit_code == (0 if reason is None else 1)
    if reason is not None:
        assert text.splitlines()[0] == f"refused: {reason}"


def test_a_permission_of_the_project_is_not_evaluated(alice, give):
    give(alice, "notes:read", "notes:write")
    exit_code, text = can("--user", "alice", "GET", "/scoped")
    assert exit_code == 0
    assert "permission: not evaluated. rest_framework.permissions.IsAuthenticated" in text


def test_an_exempt_view_is_not_decided(settings):
    settings.API_GUARD = {
        **settings.API_GUARD,
        "EXEMPT": {"tests.test_decisions.Undeclared": "a test"},
    }
    exit_code, text = can("GET", "/undeclared")
    assert exit_code == 0
    assert "It is exempt." in text
    assert text.startswith("allowed: not_guarded")


# Object rules.


@pytest.mark.parametrize(
    ("url", "reason", "said"),
    [
        ("/own/{mine}", None, "owner=author leaves this object to the caller."),
        ("/own/{other}", "hidden_object", "owner=author hides this object"),
        ("/own/999999", "not_found", "There is no such object."),
        ("/own", None, "It shows what owner=author leaves to the caller."),
        ("/function/{mine}", None, "objects=own leaves this object"),
        ("/function/{other}", "hidden_object", "objects=own hides"),
        ("/request/{other}", None, "objects=of_request is a function of the project."),
        ("/fails/{mine}", "rule_failed", "objects=fails failed."),
        ("/any/{other}", None, "PUBLIC is required"),
        ("/odd/x", None, "pk='x' cannot be looked up."),
    ],
)
def test_the_object_of_a_path_is_judged(alice, bob, give, url, reason, said):
    give(alice, "notes:read")
    notes = {
        "mine": Note.objects.create(author=alice, title="a").pk,
        "other": Note.objects.create(author=bob, title="b").pk,
    }
    exit_code, text = can("--user", "alice", "GET", url.format(**notes))
    assert said in text
    assert (exit_code, text.splitlines()[0]) == (
        (0, "allowed") if reason is None else (1, f"refused: {reason}")
    )


def test_no_function_of_a_project_runs_where_it_is_not_asked_for(alice, bob):
    note = Note.objects.create(author=bob, title="b")
    found = explain(Question("GET", f"/function/{note.pk}", alice))
    assert found.is_allowed
    assert found.steps[-1].answer == "not evaluated"


# guard_who.


def make_client(name):
    return Application.objects.create(
        name=name, client_type="confidential", authorization_grant_type="client-credentials"
    )


@pytest.fixture
def holders(alice, bob, staff, application):
    readers = Group.objects.create(name="readers")
    bob.groups.add(readers)
    get_user_model().objects.create_user("gone", is_active=False).groups.add(readers)
    by = grants.System("a test")
    for scope, grantee in (
        ("notes:read", alice),
        ("notes:read", readers),
        ("notes:read", application),
        ("notes:read", staff),
        ("notes:write", application),
        ("notes:write", bob),
    ):
        grants.grant(scope, grantee, by=by)
    grants.grant("notes:write", make_client("half"), by=by)
    return readers


def test_who_holds_a_scope_is_listed_with_the_way(holders):
    assert run("guard_who", "notes:read")[1].splitlines() == [
        "user alice: notes:read to user alice",
        "user bob: notes:read to group readers",
        "client app: notes:read to client app",
        "user sue: notes:read to user sue",
    ]


@pytest.mark.parametrize(
    ("url", "listed"),
    [
        ("/read", ["user alice", "user bob", "user sue", "client app"]),
        ("/both", ["user bob", "client app"]),
        ("/staff-scope", ["user sue"]),
        ("/scopes-both", ["user bob", "client app"]),
        ("/public", ["anybody"]),
        ("/signed-in", ["every active user"]),
        ("/staff", ["user sue"]),
    ],
)
def test_who_meets_an_operation_is_listed(holders, url, listed):
    said = run("guard_who", "get", url)[1].splitlines()
    assert [line.partition(":")[0].strip() for line in said] == listed


def test_who_holds_it_in_person_alone_is_listed(alice, give):
    give(alice, "notes:read")
    assert run("guard_who", "GET", "/read")[1] == "user alice: notes:read to user alice\n"


def test_who_can_by_everyone_is_every_user(holders, settings):
    settings.API_GUARD = {**settings.API_GUARD, "EVERYONE_GROUP": "readers"}
    assert run("guard_who", "notes:read")[1].splitlines()[1] == "everyone: notes:read to everyone"
    said = run("guard_who", "GET", "/read")[1].splitlines()
    assert said == [
        "every active user: notes:read to everyone",
        "client app: notes:read to client app",
    ]
    assert run("guard_who", "GET", "/staff-scope")[1] == (
        "user sue: notes:read to everyone; notes:read to user sue\n"
    )


def test_a_sensitive_scope_of_everyone_s_group_is_of_its_members_alone(holders, settings):
    sensitive = {"notes:read": {"description": "Read", "sensitive": True}}
    settings.API_GUARD = {
        **settings.API_GUARD,
        "EVERYONE_GROUP": "readers",
        "SCOPES": {**settings.API_GUARD["SCOPES"], **sensitive},
    }
    assert "user bob: notes:read to group readers" in run("guard_who", "notes:read")[1]
    said = run("guard_who", "GET", "/read")[1].splitlines()
    assert "user bob: notes:read to group readers" in said
    assert len(said) == 4


def test_who_is_bounded_and_may_be_json(holders):
    found = json.loads(run("guard_who", "GET", "/read", "--most", "1", "--format", "json")[1])
    assert found == [
        {"kind": "user", "name": "alice", "through": ["notes:read to user alice"]},
        {"kind": "client", "name": "app", "through": ["notes:read to client app"]},
    ]
    assert run("guard_who", "audit:read")[1] == "Nobody.\n"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["notes:raed"], "Did you mean 'notes:read'"),
        (["GET", "/nowhere"], "No URL matches"),
        (["GET", "/silent"], "Nothing is declared for GET /silent"),
        (["GET", "/plain"], "Nothing is declared"),
        (["GET", "/read", "more"], "guard_who SCOPE, or"),
    ],
)
def test_who_cannot_be_asked_of_what_is_not_declared(arguments, said):
    with pytest.raises(CommandError, match=said):
        run("guard_who", *arguments)
