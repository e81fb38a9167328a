"""`guard_sync`: a file of grants is planned, applied, pruned and exported, and drift is seen."""

from __future__ import annotations

import io
import json
from datetime import timedelta

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group
from django.core.management import CommandError, call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from api_guard import grants, ledger
from api_guard.core.ledger import Event
from api_guard.grants import Act, GrantError, System
from api_guard.management.commands import guard_sync
from api_guard.management.telling import progress
from api_guard.models import GrantRequest, LedgerRecord, ScopeGrant, recorded
from tests.test_authorities import SCOPES
from tests.test_granting_acts import one

pytestmark = pytest.mark.django_db
CODE = System("a test")


@pytest.fixture(autouse=True)
def _scopes(settings):
    settings.API_GUARD = {**settings.API_GUARD, "SCOPES": SCOPES}


@pytest.fixture
def managers(db):
    return Group.objects.create(name="managers")


@pytest.fixture
def sync(tmp_path):
    """Run the command over a file that says this. Return what it prints, and how it ends."""

    def run(said, *options):
        file = tmp_path / "grants.json"
        file.write_text(said if isinstance(said, str) else json.dumps(said), encoding="utf-8")
        out = io.StringIO()
        try:
            call_command("guard_sync", str(file), *options, stdout=out, stderr=io.StringIO())
        except CommandError as error:
            return out.getvalue(), error.returncode, str(error)
        return out.getvalue(), 0, ""

    return run


def exported():
    out = io.StringIO()
    call_command("guard_sync", "--export", stdout=out)
    return out.getvalue()


def held(grantee):
    return sorted(grants.held(grantee).values_list("scope", flat=True))


def soon(**delta):
    return timezone.now() + timedelta(**delta)


def test_a_file_is_planned_then_applied_and_then_nothing_differs(
    alice, application, managers, sync
):
    until = soon(days=7)
    said = {
        "grants": [
            {"user": "alice", "scopes": ["notes:read"], "reason": "case 17"},
            {"client": application.client_id, "scopes": ["notes:write"], "until": str(until)},
            {"group": "managers", "scopes": ["plain"]},
        ],
        "authorities": [{"group": "managers", "scope_groups": ["Notes"]}],
    }
    plan = [
        "grant notes:read to user alice",
        f"grant notes:write to client {application.client_id} until {until:%Y-%m-%d %H:%M} UTC",
        "grant plain to group managers",
        "authorize Notes to group managers",
    ]
    out, code, why = sync(said)
    assert (out.splitlines(), code) == (plan, 1)
    assert why == "The file and the database differ."
    assert not ScopeGrant.objects.exists()
    out, code, _ = sync(said, "--apply", "--as", "ci")
    assert (out.splitlines(), code) == (plan, 0)
    assert held(alice) == ["notes:read"]
    assert held(managers) == ["plain"]
    assert [row.scope_group for row in grants.authorities()] == ["Notes"]
    [row] = grants.held(application)
    assert (row.scope, row.expires_at) == ("notes:write", until)
    assert sync(said) == ("No difference.\n", 0, "")
    # The ledger tells which file it was, and who applied it.
    record = one(Event.SYNC)
    assert (record["known"], record["who"]) == ("system", "ci")
    digest = record["facts"]["digest"]
    assert record["facts"]["changes"] == "4"
    reasons = set(ScopeGrant.objects.values_list("reason", flat=True))
    assert reasons == {"case 17", f"sync {digest[:12]}"}
    assert list(grants.differences()) == []
    assert list(ledger.verify(ledger.Tally())) == []


def test_a_hand_made_change_is_drift(alice, sync):
    said = {"grants": [{"user": "alice", "scopes": ["notes:read"]}]}
    assert sync(said, "--apply")[1] == 0
    [row] = grants.held(alice)
    grants.extend(row, soon(days=1), by=CODE)
    out, code, _ = sync(said)
    assert code == 1
    assert out.startswith("move notes:read of user alice, no expiry (was: ")
    assert sync(said, "--apply")[1] == 0
    assert grants.held(alice).get().expires_at is None
    grants.revoke(row, by=CODE)
    assert sync(said)[:2] == ("grant notes:read to user alice\n", 1)
    assert sync(said, "--apply")[1] == 0
    grants.grant("plain", alice, by=CODE)
    assert sync(said)[:2] == ("not in the file: revoke plain from user alice\n", 1)
    # What is not in the file stays, unless it is asked for.
    assert sync(said, "--apply")[1] == 0
    assert held(alice) == ["notes:read", "plain"]


def test_pruning_removes_only_what_the_named_grantees_hold_besides(
    alice, bob, application, managers, sync
):
    for grantee in (alice, bob, application):
        grants.grant("plain", grantee, by=CODE)
    grants.grant("notes:read", alice, by=CODE)
    others = Group.objects.create(name="others")
    for group in (managers, others):
        grants.authorize(group, "Pay", by=CODE)
    said = {
        "grants": [{"user": "alice", "scopes": ["notes:read"]}, {"user": "bob", "scopes": []}],
        "authorities": [{"group": "managers", "scope_groups": []}],
    }
    out, code, why = sync(said, "--prune", "--apply", "--most-removals", "2")
    assert (out, code) == ("", 2)
    assert why == "It would remove 3, more than --most-removals 2. Nothing was changed."
    assert held(bob) == ["plain"]
    out, code, _ = sync(said, "--prune", "--apply", "--most-removals", "3")
    assert code == 0
    assert sorted(out.splitlines()) == [
        "deauthorize Pay from group managers",
        "revoke plain from user alice",
        "revoke plain from user bob",
    ]
    assert (held(alice), held(bob), held(application)) == (["notes:read"], [], ["plain"])
    assert [row.group for row in grants.authorities()] == [others]
    assert sync(said, "--prune")[:2] == ("No difference.\n", 0)


@pytest.mark.parametrize(
    ("entry", "problem"),
    [
        ({"user": "carol", "scopes": []}, "There is no user 'carol'."),
        ({"group": "none", "scopes": []}, "There is no group 'none'."),
        ({"client": "none", "scopes": []}, "There is no client 'none'."),
        ({"user": "alice", "scopes": ["notes:rea"]}, "Did you mean 'notes:read'?"),
        ({"user": "alice", "scopes": ["notes:write"]}, "for at most 30 days"),
        ({"user": "alice", "scopes": ["plain"], "reason": "x" * 501}, "The reason is not valid"),
        ({"user": "alice", "scopes": ["plain"], "scop": 1}, "Did you mean 'scopes'?"),
    ],
)
def test_a_wrong_file_changes_nothing(alice, sync, entry, problem):
    good = {"user": "alice", "scopes": ["notes:read"]}
    out, code, why = sync({"grants": [good, entry]}, "--apply")
    assert (out, code) == ("", 2)
    assert problem in why
    assert why.endswith("The file is wrong. Nothing was changed.")
    assert held(alice) == []


def test_an_unknown_group_of_scopes_is_an_error(managers, sync):
    said = {"authorities": [{"group": "managers", "scope_groups": ["Note", "*"]}]}
    out, code, why = sync(said, "--apply")
    assert (out, code) == ("", 2)
    assert "No scope in API_GUARD['SCOPES'] has the group 'Note'. Did you mean 'Notes'?" in why


def test_a_sensitive_scope_is_asked_for_once_and_waits(alice, bob, manager, sync):
    until = soon(days=3).isoformat()
    said = {"grants": [{"user": "alice", "scopes": ["pay:refund"], "until": until}]}
    assert sync(said, "--apply")[0].startswith("ask pay:refund for user alice until ")
    asked = GrantRequest.objects.get()
    out, code, _ = sync(said)
    assert out.startswith("not approved yet: ask pay:refund for user alice")
    assert code == 1
    assert sync(said, "--apply")[1] == 0
    assert GrantRequest.objects.count() == 1
    other = get_user_model().objects.create_superuser("otto")
    grants.approve(asked, by=manager)
    grants.approve(asked, by=other)
    assert sync(said) == ("No difference.\n", 0, "")
    # It can be shortened, and to extend it is to ask again.
    shorter = {"grants": [{**said["grants"][0], "until": soon(days=1).isoformat()}]}
    assert sync(shorter, "--apply")[0].startswith("move pay:refund of user alice until ")
    assert sync(said)[0].startswith("ask pay:refund for user alice")


def test_a_grant_that_has_ended_as_the_file_says_is_no_drift(alice, sync):
    said = {"grants": [{"user": "alice", "scopes": ["plain"], "until": "2020-01-01T00:00Z"}]}
    assert sync(said) == ("No difference.\n", 0, "")
    grants.grant("plain", alice, by=CODE)
    assert sync(said)[:2] == ("not in the file: revoke plain from user alice\n", 1)
    with recorded():
        grants.live().update(expires_at=timezone.now())
    assert sync(said) == ("No difference.\n", 0, "")
    # A grant that has expired is granted again.
    again = {"grants": [{"user": "alice", "scopes": ["plain"]}]}
    assert sync(again, "--apply")[:2] == ("grant plain to user alice\n", 0)


def test_a_longer_grant_may_be_shortened_beyond_the_terms(alice, sync, settings):
    grants.grant("plain", alice, by=CODE)
    terms = {**SCOPES, "plain": {"description": "A scope", "max_days": 1}}
    settings.API_GUARD = {**settings.API_GUARD, "SCOPES": terms}
    row = {"user": "alice", "scopes": ["plain"]}
    assert sync({"grants": [{**row, "until": soon(days=9).isoformat()}]}, "--apply")[1] == 0
    why = sync({"grants": [{**row, "until": soon(days=10).isoformat()}]}, "--apply")[2]
    assert "for at most 1 days" in why


def test_grants_of_an_emergency_are_left_alone(manager, sync):
    grants.grant("plain", manager, by=manager, reason="an incident", expires_at=soon(minutes=30))
    said = {"grants": [{"user": "mia", "scopes": []}]}
    assert sync(said, "--prune", "--apply")[0] == "No difference.\n"
    assert held(manager) == ["plain"]
    assert json.loads(exported())["grants"] == []


def test_an_export_is_the_file_that_the_database_is(
    alice, bob, application, managers, sync, settings
):
    until = soon(days=5)
    grants.grant("notes:read", alice, by=CODE, reason="Zoë's “case”")
    grants.grant("plain", alice, by=CODE, reason="Zoë's “case”")
    grants.grant("notes:write", alice, by=CODE, expires_at=until)
    grants.grant("plain", application, by=CODE)
    grants.grant("plain", managers, by=CODE)
    grants.authorize(managers, "Notes", by=CODE)
    grants.authorize(managers, "*", by=CODE, reason="the admins")
    grants.revoke(grants.grant("plain", bob, by=CODE), by=CODE)
    file = exported()
    said = json.loads(file)
    assert said["grants"] == [
        {"user": "alice", "scopes": ["notes:read", "plain"], "reason": "Zoë's “case”"},
        {"user": "alice", "scopes": ["notes:write"], "until": until.isoformat()},
        {"group": "managers", "scopes": ["plain"]},
        {"client": application.client_id, "scopes": ["plain"]},
    ]
    assert said["authorities"] == [
        {"group": "managers", "scope_groups": ["Notes"]},
        {"group": "managers", "scope_groups": ["*"], "reason": "the admins"},
    ]
    assert sync(file, "--prune") == ("No difference.\n", 0, "")
    # A line for each entry, so that a diff shows what changed.
    assert len(file.splitlines()) == 13
    # What is not declared any more could not be read again.
    less = {name: terms for name, terms in SCOPES.items() if name != "plain"}
    settings.API_GUARD = {**settings.API_GUARD, "SCOPES": less}
    assert "plain" not in exported()


@pytest.mark.slow
def test_an_export_of_10_000_grants_is_applied_once_and_a_hand_made_change_is_drift(sync, settings):
    names = [f"s:{number}" for number in range(10)]
    settings.API_GUARD = {**settings.API_GUARD, "SCOPES": dict.fromkeys(names, "one")}
    model = get_user_model()
    model.objects.bulk_create(model(username=f"user {number}") for number in range(1000))
    users = list(model.objects.order_by("pk"))
    grants.grant_many(grants.Offer(tuple(names), tuple(users), CODE, "as agreed"))
    file = exported()
    assert file.count("s:") == 10_000
    assert sync(file) == ("No difference.\n", 0, "")
    for user in users[:100]:
        grants.revoke_all(user, by=CODE)
    assert sync(file, "--apply")[1:] == (0, "")
    assert grants.live().count() == 10_000
    assert sync(file, "--apply") == ("No difference.\n", 0, "")
    grants.revoke(grants.held(users[500]).get(scope="s:3"), by=CODE)
    grants.extend(grants.held(users[600]).get(scope="s:4"), soon(days=9), by=CODE)
    out, code, _ = sync(file)
    assert (len(out.splitlines()), code) == (2, 1)
    assert "grant s:3 to user user 500" in out
    assert "move s:4 of user user 600, no expiry" in out
    assert exported() != file


def test_what_it_does_is_said_in_json_too(alice, sync):
    grants.grant("plain", alice, by=CODE)
    until = soon(days=3)
    wanted = {"user": "alice", "scopes": ["notes:read"], "until": until.isoformat()}
    out, code, _ = sync({"grants": [wanted]}, "--format", "json")
    said = json.loads(out)
    assert (code, said["applied"], len(said["digest"])) == (1, False, 64)
    change = {"act": "grant", "user": "alice", "scope": "notes:read"}
    assert said["changes"] == [{**change, "until": until.isoformat(), "was": None}]
    extra = {"act": "revoke", "user": "alice", "scope": "plain", "until": None, "was": None}
    assert said["extra"] == [extra]
    assert said["waiting"] == []
    assert json.loads(sync({"grants": [wanted]}, "--format", "json", "--apply")[0])["applied"]


def test_a_change_that_fails_undoes_all(alice, sync, monkeypatch):
    def fail(*args, **kwargs):
        raise GrantError("already_granted", "Another process was faster.")

    said = {"grants": [{"user": "alice", "scopes": ["notes:read"]}], "authorities": []}
    Group.objects.create(name="managers")
    said["authorities"] = [{"group": "managers", "scope_groups": ["Notes"]}]
    monkeypatch.setattr("api_guard.grants.syncing.authorize", fail)
    out, code, why = sync(said, "--apply")
    assert (out, code) == ("", 2)
    assert why == "Another process was faster. Nothing was changed."
    assert held(alice) == []
    assert not LedgerRecord.objects.filter(event=Event.SYNC).exists()


def test_who_applies_it_is_a_service_or_claims_to_be_a_user(alice, bob, sync):
    said = {"grants": [{"user": "alice", "scopes": ["plain"]}]}
    assert sync(said, "--apply", "--by", "bob", "--as", "ci")[2] == "Write either --as or --by."
    assert sync(said, "--apply", "--by", "bob", "--reason", "the audit")[1] == 0
    record = one(Event.SYNC)
    assert (record["known"], record["who"], record["reason"]) == ("claimed", "bob", "the audit")
    assert grants.held(alice).get().reason == "the audit"
    why = sync({"grants": []}, "--apply", "--reason", "\0")[2]
    assert "The reason is not valid" in why


def test_a_file_of_toml_and_one_from_stdin(alice, tmp_path, monkeypatch, capsys):
    file = tmp_path / "grants.toml"
    file.write_text('[[grants]]\nuser = "alice"\nscopes = ["plain"]\n')
    call_command("guard_sync", str(file), "--apply")
    assert held(alice) == ["plain"]
    stdin = io.TextIOWrapper(io.BytesIO(b'{"grants": [{"user": "alice", "scopes": ["plain"]}]}'))
    monkeypatch.setattr(guard_sync.sys, "stdin", stdin)
    capsys.readouterr()
    call_command("guard_sync", "-")
    assert capsys.readouterr().out == "No difference.\n"
    with pytest.raises(CommandError, match="cannot be read"):
        call_command("guard_sync", str(tmp_path / "none.json"))


def test_the_queries_of_a_plan_do_not_grow_with_its_grantees(sync, monkeypatch):
    def costs(number):
        users = [get_user_model()(username=f"user{each}") for each in range(number)]
        get_user_model().objects.bulk_create(users, ignore_conflicts=True)
        entries = [
            {"user": f"user{each}", "scopes": ["notes:read", "plain"]} for each in range(number)
        ]
        with CaptureQueriesContext(connection) as captured:
            assert sync({"grants": entries})[1] == 1
        return len(captured)

    assert costs(400) == costs(4)


def test_long_work_says_how_far_it_is(alice, monkeypatch):
    count = 1000
    rows = [ScopeGrant(scope=f"notes:{number}", user=alice) for number in range(count)]
    with recorded():
        ScopeGrant.objects.bulk_create(rows)
    found = [grants.Change(Act.REVOKE, "user", "alice", row.scope, row=row) for row in rows]
    plan = grants.SyncPlan("d" * 64, tuple(found), (), ())
    err = io.StringIO()
    command = guard_sync.Command(stderr=err)
    monkeypatch.setattr("api_guard.grants.syncing.revoke", lambda row, **said: row)
    grants.apply_sync(plan, by=CODE, told=progress(command))
    grants.apply_sync(plan, by=CODE)
    assert err.getvalue() == "1000 changes\n"


def test_what_guard_suggest_writes_can_be_applied(alice, sync):
    said = {
        "version": 1,
        "grants": [{"user": "alice", "scopes": ["notes:read"]}],
        "apart": [{"why": "the scope is sensitive", "reason": "insufficient_scope", "requests": 3}],
    }
    assert sync(said, "--apply")[:2] == ("grant notes:read to user alice\n", 0)
