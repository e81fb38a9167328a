"""`guard_suggest`: the log of refusals becomes grants, and then the same requests pass."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group, Permission
from django.core.management import CommandError, call_command

from api_guard import grants
from api_guard.core.decision_records import DecisionRecord
from api_guard.explain.suggesting import records_in, suggest
from tests.test_decisions import lines as lines
from tests.test_report_only import ask as ask
from tests.test_report_only import report as report

pytestmark = [pytest.mark.urls("tests.test_report_only"), pytest.mark.django_db]


def lacking(user=None, *scopes, **said):
    said = {"user_lacks": scopes, "requires_scopes": tuple((name,) for name in scopes)} | said
    user = None if user is None else str(user.pk)
    return DecisionRecord(
        "a", "would_refuse", "insufficient_scope", user=user, **({"answered": 200} | said)
    )


def written(lines, tmp_path):
    log = tmp_path / "decisions.log"
    log.write_text("".join(f"{each.getMessage()}\n" for each in lines.records))
    return str(log)


def suggested(log, *options):
    out = io.StringIO()
    call_command("guard_suggest", log, *options, stdout=out)
    return out.getvalue()


def test_a_log_becomes_grants_and_the_same_requests_pass(
    report,
    ask,
    api,
    alice,
    bob,
    issue,
    application,
    lines,
    tmp_path,
    settings,
):
    readers = Group.objects.create(name="readers")
    alice.groups.add(readers)
    bob.groups.add(readers)
    report(fallback=["rest_framework.permissions.AllowAny"])
    asked = [("/api/read", "get"), ("/api/notes", "get"), ("/api/scopes", "get")]
    token = issue("notes:read")

    def statuses():
        found = []
        for user in (alice, bob):
            api.by_session(user)
            found += [getattr(api, method)(where).status_code for where, method in asked]
        api.by_session(alice)
        found.append(api.get("/api/sensitive").status_code)
        found.append(api.post("/api/notes", {"title": "new", "author": alice.pk}).status_code)
        api.logout()
        found.append(api.by_token(token).get("/api/read").status_code)
        api.credentials()
        return found

    before = statuses()
    log = written(lines, tmp_path)
    said = json.loads(suggested(log, "--format", "json"))
    assert said["version"] == 1
    assert said["grants"] == [
        {"group": "readers", "scopes": ["notes:read"]},
        {"user": "alice", "scopes": ["notes:write"]},
        {"client": application.client_id, "scopes": ["notes:read"]},
    ]
    (apart,) = said["apart"]
    assert (apart["scopes"], apart["user"], apart["requests"]) == (["pay:refund"], "alice", 1)
    text = suggested(log)
    assert "grant notes:read to group readers\n" in text
    assert "1 x GET tests.test_report_only.Answer: insufficient_scope; pay:refund; user" in text
    by = grants.System("a test")
    for each, grantee in zip(said["grants"], (readers, alice, application), strict=True):
        for scope in each["scopes"]:
            grants.grant(scope, grantee, by=by)
    report(prefixes=["/other/"])
    assert statuses() == before
    assert suggested(log).startswith("Nothing to grant.\nApart:\n")


def test_a_group_with_a_member_who_never_needed_the_scope_gets_it_only_by_name(alice, bob):
    group = Group.objects.create(name="readers")
    idle = get_user_model().objects.create_user("idle")
    for user in (alice, bob, idle):
        user.groups.add(group)
    records = [lacking(alice, "notes:read"), lacking(bob, "notes:read")]
    found = [each[:2] for each in suggest(records).given]
    assert found == [("user", "alice"), ("user", "bob")]
    assert [each[:2] for each in suggest(records, ["readers"]).given] == [("group", "readers")]
    grants.grant("notes:read", idle, by=grants.System("a test"))
    assert [each[:2] for each in suggest(records).given] == [("group", "readers")]


def test_an_inactive_member_does_not_count_and_one_member_is_no_group(alice, bob):
    group = Group.objects.create(name="readers")
    alice.groups.add(group)
    assert suggest([lacking(alice, "notes:read")]).given[0][0] == "user"
    bob.groups.add(group)
    get_user_model().objects.filter(pk=bob.pk).update(is_active=False)
    assert suggest([lacking(alice, "notes:read")]).given[0][0] == "user"


def test_the_group_of_everyone_is_never_proposed(alice, bob, settings):
    settings.API_GUARD = settings.API_GUARD | {"EVERYONE_GROUP": "everyone"}
    group = Group.objects.create(name="everyone")
    alice.groups.add(group)
    bob.groups.add(group)
    records = [lacking(alice, "notes:read"), lacking(bob, "notes:read")]
    assert {each[0] for each in suggest(records, ["everyone"]).given} == {"user"}


def test_of_alternatives_the_one_that_fewest_sides_lack_is_proposed(alice):
    record = lacking(
        alice,
        "notes:read",
        "audit:read",
        requires_scopes=(("notes:read", "audit:read"),),
        token_lacks=(),
        client_lacks=("notes:read",),
    )
    assert suggest([record]).given == (("user", "alice", ("audit:read",)),)


@pytest.mark.parametrize(
    ("said", "why"),
    [
        ({"token_lacks": ("notes:read",)}, "the client must ask for it"),
        ({"because": "clientless_token"}, "no grant would change this answer"),
        ({"user_lacks": None}, "the log does not show which scope"),
        ({"requires_scopes": (("no:scope",),), "user_lacks": ("no:scope",)}, "not declared"),
    ],
)
def test_what_no_grant_would_solve_is_listed_apart(alice, said, why):
    found = suggest([lacking(alice, "notes:read", **said)])
    assert found.given == ()
    assert why in found.apart[0][0]["why"]


@pytest.mark.parametrize(
    ("answered", "why"),
    [(403, "refused before as well"), (401, "refused before as well"), (None, "does not tell how")],
)
def test_nobody_is_proposed_what_was_refused_before_as_well(alice, answered, why):
    found = suggest([lacking(alice, "notes:read", answered=answered)])
    assert found.given == ()
    assert why in found.as_text()


@pytest.mark.parametrize("answered", [201, 404, 409, 500])
def test_what_was_let_in_before_is_proposed(alice, answered):
    found = suggest([lacking(alice, "notes:read", answered=answered)])
    assert found.given == (("user", "alice", ("notes:read",)),)


def test_who_is_not_there_any_more_is_listed_apart(alice, application):
    gone = DecisionRecord(
        "a",
        "refused",
        "insufficient_scope",
        user="0",
        client="0",
        requires_scopes=(("notes:read",),),
        user_lacks=("notes:read",),
        client_lacks=("notes:read",),
    )
    found = suggest([gone, gone, lacking(alice, "notes:write")])
    assert found.as_text() == (
        "grant notes:write to user alice\nApart:\n"
        "  2 x insufficient_scope; notes:read; the user is not there any more\n"
        "  2 x insufficient_scope; notes:read; the client is not there any more\n"
    )


def test_other_refusals_and_admissions_need_no_grant():
    records = [DecisionRecord("a", "would_refuse", "undeclared_endpoint", view="notes.Notes")]
    records += [DecisionRecord("b", "allowed")]
    found = suggest(records)
    assert found.as_text() == (
        "Nothing to grant.\nApart:\n"
        "  1 x notes.Notes: undeclared_endpoint; no grant would change this answer\n"
    )


@pytest.mark.parametrize(
    ("outcome", "reason", "answered", "why"),
    [
        (
            "would_refuse",
            "not_authenticated",
            200,
            "PUBLIC if the view checks its callers itself",
        ),
        ("would_refuse", "not_authenticated", 401, "no grant would change this answer"),
        ("would_refuse", "not_authenticated", None, "no grant would change this answer"),
        ("would_refuse", "staff_only", 201, "let in until now, and no grant would change this"),
        ("would_refuse", "staff_only", 403, "no grant would change this answer"),
        ("refused", "not_authenticated", None, "no grant would change this answer"),
    ],
)
def test_what_was_let_in_without_a_grant_says_that_the_guard_will_end_it(
    outcome, reason, answered, why
):
    said = {"method": "POST", "view": "notes.Notes", "action": "publish", "answered": answered}
    ((apart, _),) = suggest([DecisionRecord("a", outcome, reason, **said)]).apart
    assert why in apart["why"]
    assert ("until now" in apart["why"]) is (answered in (200, 201))
    assert (apart["view"], apart["action"]) == ("notes.Notes", "publish")


@pytest.mark.parametrize(("answered", "said"), [(200, "let in until now"), (403, "no grant would")])
def test_a_token_without_a_client_is_a_choice_in_the_settings(answered, said):
    record = DecisionRecord(
        "a", "would_refuse", "insufficient_scope", because="clientless_token", answered=answered
    )
    ((apart, _),) = suggest([record]).apart
    assert said in apart["why"]
    assert apart["why"].endswith('the token has no client, see API_GUARD["CLIENTLESS_TOKENS"]')


def test_a_caller_that_was_deleted_gets_nothing(alice):
    record = lacking(alice, "notes:read")
    sensitive = lacking(alice, "no:scope")
    get_user_model().objects.filter(pk=alice.pk).delete()
    found = suggest([record, sensitive])
    assert (found.given, "user" in found.apart[0][0]) == ((), False)


def test_a_line_that_this_site_did_not_sign_proposes_nothing(alice, monkeypatch):
    monkeypatch.setattr("sys.stdin", io.StringIO(lacking(alice, "notes:read").as_line()))
    with pytest.raises(CommandError, match="not signed"):
        suggested("-")


def test_a_log_that_is_absent_is_an_error():
    with pytest.raises(CommandError, match="cannot be read"):
        suggested("/no/such.log")
    with pytest.raises(CommandError, match="no group"):
        suggested("-", "--group", "nobody")


def test_users_of_a_project_without_groups_get_grants_of_their_own(alice, monkeypatch):
    from api_guard.explain import suggesting

    monkeypatch.setattr(suggesting, "get_user_model", lambda: Permission)
    assert suggesting._members() == {}


def test_guard_can_explains_what_was_only_reported(report, ask, lines, tmp_path):
    assert ask("read", "alice").status_code == 200
    (said,) = lines.decisions
    out = io.StringIO()
    with pytest.raises(SystemExit):
        call_command("guard_can", decision=said.id, log=written(lines, tmp_path), stdout=out)
    assert "Then: would_refuse: insufficient_scope." in out.getvalue()
    assert "Now: refused: insufficient_scope" in out.getvalue()


def test_a_log_of_another_secret_key_is_not_said_to_need_nothing(
    report, api, alice, lines, tmp_path, settings, capsys
):
    report(fallback=["rest_framework.permissions.AllowAny"])
    here = settings.SECRET_KEY
    for key in ("that of the tests", here):
        settings.SECRET_KEY = key
        assert api.by_session(alice).get("/api/read").status_code == 200
    log = written(lines, tmp_path)
    assert len(list(records_in(Path(log).read_text().splitlines()))) == 1
    assert "grant notes:read to user alice" in suggested(log)
    assert capsys.readouterr().err.endswith("decisions.log: 1. They are left out.\n")
    lines.records.pop()
    with pytest.raises(CommandError, match=r"SECRET_KEY in .*: 1, and there are no others"):
        suggested(written(lines, tmp_path))


def test_lines_of_others_in_a_log_are_nothing_to_say(tmp_path, capsys):
    log = tmp_path / "decisions.log"
    log.write_text('\n[]\n{"suppressed": 3, "caller": "x", "seconds": 60}\nINFO started\n')
    assert suggested(str(log)) == "Nothing to grant.\n"
    assert capsys.readouterr().err == ""
