"""What SQL does to the grants is found by their records."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.contrib.auth.models import Group
from django.core.management import CommandError, call_command
from django.db import DatabaseError, connection
from django.db.models import QuerySet
from django.utils import timezone

from api_guard import grants
from api_guard.grants import Claimed, GrantError, System, reconciling
from api_guard.grants.states import is_gone
from api_guard.models import (
    GrantApproval,
    LedgerDetail,
    LedgerRecord,
    RateOverride,
    RemoteSubject,
    ScopeGrant,
    recorded,
)

pytestmark = pytest.mark.django_db

CODE = System("a test")
TABLE = ScopeGrant._meta.db_table


def sql(statement, *values):
    with connection.cursor() as cursor:
        cursor.execute(statement, values)


def problems():
    return [str(each) for each in grants.differences()]


@pytest.fixture
def rows(alice, bob, application):
    """Grants with all that can happen to them."""
    later = timezone.now() + timedelta(days=1)
    kept = grants.grant("notes:read", alice, by=CODE)
    until = grants.grant("notes:write", alice, by=CODE, expires_at=later)
    gone = grants.grant("notes:read", bob, by=CODE)
    grants.revoke(gone, by=CODE)
    expired = grants.grant("audit:read", alice, by=CODE, expires_at=later)
    with recorded():
        ScopeGrant.objects.filter(pk=expired.pk).update(expires_at=timezone.now())
    grants.grant("audit:read", alice, by=CODE)
    grants.extend(until, later + timedelta(days=1), by=CODE)
    grants.grant("notes:read", application, by=CODE)
    application.delete()
    return {"kept": kept, "until": until, "gone": gone}


def test_what_was_written_as_it_should_be_is_as_the_ledger_says(rows):
    assert problems() == []
    assert grants.adopt(by=CODE) == 0


@pytest.mark.parametrize(
    ("statement", "which", "said"),
    [
        ("UPDATE {table} SET expires_at = NULL WHERE id = %s", "until", "its expiry is never"),
        ("UPDATE {table} SET scope = 'audit:write' WHERE id = %s", "kept", "its scope is"),
        ("UPDATE {table} SET user_id = user_id + 1 WHERE id = %s", "kept", "its grantee is user:"),
        ("UPDATE {table} SET is_break_glass = NOT is_break_glass WHERE id = %s", "kept", "flag"),
        ("UPDATE {table} SET id = -5 WHERE id = %s", "negative", "it has no record: scope"),
        ("UPDATE {table} SET revoked_at = NULL WHERE id = %s", "gone", "it has no record: scope"),
        ("UPDATE {table} SET revoked_at = granted_at WHERE id = %s", "kept", "without a record"),
        ("DELETE FROM {table} WHERE id = %s", "kept", "without a record"),
    ],
)
def test_what_sql_did_is_named_and_nothing_else_is(rows, statement, which, said):
    row = rows["gone" if which == "negative" else which]
    if which == "negative":
        sql(f"UPDATE {TABLE} SET revoked_at = NULL WHERE id = %s", row.pk)
    sql(statement.format(table=TABLE), row.pk)
    [problem] = problems()
    assert problem.startswith(f"grant {-5 if which == 'negative' else row.pk}: ")
    assert said in problem


def test_grants_that_are_older_than_the_ledger_are_adopted(alice, monkeypatch):
    monkeypatch.setattr("api_guard.grants.states._PAGE", 2)
    with recorded():
        for scope in ("notes:read", "notes:write", "audit:read"):
            ScopeGrant(scope=scope, user=alice).save()
    assert len(problems()) == 3
    with pytest.raises(GrantError):
        grants.adopt(by=None)
    assert grants.adopt(by=CODE, reason="the ledger is new") == 3
    assert problems() == []
    assert LedgerRecord.objects.filter(event="adopt").count() == 3


@pytest.mark.parametrize("content", ["{", "[]", "{}", '{"facts": {}}', "null"])
def test_a_record_that_cannot_be_read_says_nothing_of_a_grant(rows, content):
    record = LedgerRecord.objects.get(
        event="grant", content__contains=f'"grant":"{rows["kept"].pk}"'
    )
    sql(f"UPDATE {LedgerRecord._meta.db_table} SET content = %s WHERE id = %s", content, record.pk)
    [problem] = problems()
    assert "it has no record" in problem


def test_a_grant_that_is_made_while_grants_are_compared_is_no_difference(rows, bob, monkeypatch):
    read, scopes = reconciling.all_rows, ["audit:read", "notes:write"]

    def all_rows():
        grants.grant(scopes.pop(), bob, by=CODE)  # one each time that they are compared
        return read()

    monkeypatch.setattr(reconciling, "all_rows", all_rows)
    assert problems() == []
    assert grants.held(bob).count() == 2


def test_what_sql_did_is_not_made_good_by_an_extension(rows, bob):
    sql(f"UPDATE {TABLE} SET user_id = %s WHERE id = %s", bob.pk, rows["until"].pk)
    grants.extend(grants.get(rows["until"].pk), timezone.now() + timedelta(days=9), by=CODE)
    [problem] = problems()
    assert f"its grantee is user:{bob.pk}" in problem
    assert grants.adopt(by=CODE) == 1
    assert problems() == []


def test_whose_a_grant_is_cannot_be_told_of_a_user_who_was_forgotten(rows, alice, capsys):
    call_command("guard_ledger", "forget", "--pk", str(alice.pk))
    assert problems() == []


def run(capsys, *line):
    call_command("guard_ledger", *line)
    return capsys.readouterr().out


@pytest.mark.django_db(transaction=True)
def test_the_command_verifies_adopts_and_prunes(rows, bob, capsys):
    assert "The ledger verifies." in run(capsys, "verify")
    with recorded():
        older = ScopeGrant(scope="notes:write", user=bob)
        older.save()
    with pytest.raises(CommandError, match=f"grant {older.pk}: it has no record: scope notes"):
        call_command("guard_ledger", "verify")
    with pytest.raises(CommandError, match="Nothing was pruned"):
        call_command("guard_ledger", "prune", "--through", "1")
    assert "Recorded 1 row." in run(capsys, "adopt", "--by", "alice", "--reason", "it was there")
    assert "The ledger verifies." in run(capsys, "verify")
    last = LedgerRecord.objects.latest("sequence").sequence
    assert f"Pruned {last} records." in run(capsys, "prune", "--through", str(last))
    said = run(capsys, "verify")
    assert f"pruned through {last}" in said
    assert "The ledger verifies." in said


@pytest.mark.django_db(transaction=True)
def test_records_that_are_chained_count_as_those_that_are_not(rows, alice):
    assert not LedgerRecord.objects.filter(sequence=None).exists()
    assert problems() == []
    sql(f"DELETE FROM {TABLE} WHERE id = %s", rows["kept"].pk)
    assert len(problems()) == 1


def test_an_end_that_a_clock_put_before_its_beginning_is_an_end(rows):
    given, ended = (
        LedgerRecord.objects.get(event=event, content__contains=f'"grant":"{rows["gone"].pk}"')
        for event in ("grant", "revoke")
    )
    table = LedgerRecord._meta.db_table
    sql(f"UPDATE {table} SET id = %s WHERE id = %s", "0" * 64, ended.pk)
    assert problems() == []
    assert given.pk > "0" * 64


# The other tables that give access


@pytest.fixture
def others(settings, alice, bob, manager, application):
    """An authority, an override, a mapping, and requests: open, approved once, and decided."""
    scopes = {"pay:refund": {"description": "Refund", "group": "Pay", "sensitive": True}}
    scopes |= {name: name for name in ("notes:read", "notes:write", "audit:read")}
    settings.API_GUARD = {**settings.API_GUARD, "SCOPES": scopes}
    readers = Group.objects.create(name="readers")
    later = timezone.now() + timedelta(days=1)
    override = RateOverride.objects.create(name="budget:api/h", limit=5, user=alice)
    override.limit = 6
    override.save()
    subject = RemoteSubject.objects.create(issuer="https://as.example", subject="1", user=bob)
    subject.user = alice
    subject.save()
    decided = grants.grant("pay:refund", readers, by=Claimed(bob), expires_at=later)
    grants.decline(decided, by=bob)
    request = grants.grant("pay:refund", alice, by=Claimed(bob), expires_at=later)
    grants.approve(request, by=manager)
    return {
        "authority": grants.authorize(readers, "Pay", by=CODE),
        "override": override,
        "subject": subject,
        "decided": decided,
        "request": request,
        "approval": GrantApproval.objects.get(),
        "user": bob,
        "group": Group.objects.create(name="writers"),
    }


NAMES = {"decided": "request"}
QUOTED = connection.ops.quote_name("limit")
CHANGES = [
    ("authority", "SET scope_group = '*'", "its scopes is *, but the ledger says Pay"),
    ("authority", "SET group_id = group_id + 1", "its group is group:"),
    ("override", f"SET {QUOTED} = 500", "its limit is 500, but the ledger says 6"),
    ("override", "SET name = 'budget:other/h'", "its rate is budget:other/h"),
    ("override", "SET user_id = user_id + 1", "its grantee is user:"),
    ("override", "SET expires_at = '2999-01-01 00:00:00'", "its expiry is 2999-01-01T00:00:00"),
    ("subject", "SET subject = '2'", "its subject is 2 of https://as.example"),
    ("subject", "SET issuer = 'https://b.example'", "its subject is 1 of https://b.example"),
    ("subject", "SET user_id = user_id + 1", "its user is user:"),
    ("request", "SET scope = 'notes:read'", "its scope is notes:read"),
    ("request", "SET user_id = user_id + 1", "its grantee is user:"),
    ("request", "SET expires_at = NULL", "its expiry is never"),
    ("request", "SET asked_by_id = NULL", "its asker is nobody, but the ledger says user:"),
    ("request", "SET outcome = 'granted'", "its outcome is granted, but the ledger says open"),
    ("decided", "SET outcome = ''", "its outcome is open, but the ledger says withdrawn"),
    ("approval", "SET by_id = by_id - 1", "its user is user:"),
]


@pytest.mark.parametrize(("which", "change", "said"), CHANGES)
def test_a_row_that_sql_changed_is_named_and_nothing_else_is(others, which, change, said):
    assert problems() == []
    row = others[which]
    sql(f"UPDATE {row._meta.db_table} {change} WHERE id = %s", row.pk)
    [problem] = problems()
    assert problem.startswith(f"{NAMES.get(which, which)} {row.pk}: ")
    assert said in problem


@pytest.mark.parametrize("which", ["authority", "override", "subject", "approval"])
def test_a_row_that_sql_deleted_is_named_and_nothing_else_is(others, which):
    row = others[which]
    sql(f"DELETE FROM {row._meta.db_table} WHERE id = %s", row.pk)
    assert problems() == [
        f"{which} {row.pk}: it existed, and ended or was deleted without a record"
    ]


@pytest.mark.parametrize("which", ["authority", "override", "subject", "decided", "request"])
def test_a_row_that_sql_made_is_named_and_nothing_else_is(others, which):
    row = others[which]
    stored = [f for f in row._meta.concrete_fields if not f.generated]
    columns = {f.column: getattr(row, f.attname) for f in stored}
    changed = {"authority": "scope_group", "subject": "subject", "override": "name"}
    changed |= {"request": "scope"}
    columns |= {"id": -7, changed.get(which, "id"): -7}
    names = ", ".join(connection.ops.quote_name(name) for name in columns)
    places = ", ".join(["%s"] * len(columns))
    sql(f"INSERT INTO {row._meta.db_table} ({names}) VALUES ({places})", *columns.values())
    [problem] = problems()
    assert problem.startswith(f"{NAMES.get(which, which)} -7: it has no record: ")


def test_what_django_deletes_with_a_user_or_a_group_is_no_difference(others, alice, manager):
    for gone in (manager, others["user"], others["authority"].group, alice):
        gone.delete()
        assert problems() == []


def test_whose_a_row_was_is_not_compared_once_the_user_was_forgotten(others, alice, bob, manager):
    for user in (alice, bob, manager):
        call_command("guard_ledger", "forget", "--pk", str(user.pk))
    assert problems() == []


@pytest.mark.django_db(transaction=True)
def test_what_is_pruned_is_still_compared(others, capsys):
    last = LedgerRecord.objects.latest("sequence").sequence
    with pytest.raises(CommandError, match="is not chained"):
        call_command("guard_ledger", "prune", "--through", str(last + 1))
    assert not LedgerRecord.objects.filter(event="adopt").exists()
    run(capsys, "prune", "--through", str(last))
    assert LedgerRecord.objects.filter(event="adopt").count() == 5
    assert problems() == []
    for which in ("authority", "override", "subject", "approval"):
        row = others[which]
        sql(f"DELETE FROM {row._meta.db_table} WHERE id = %s", row.pk)
    assert len(problems()) == 4


def test_rows_that_are_older_than_the_ledger_are_adopted(others, alice, bob, manager):
    soon = timezone.now() + timedelta(minutes=9)
    grants.grant("notes:read", manager, by=manager, reason="fire", expires_at=soon)
    for model in (LedgerDetail, LedgerRecord):
        sql(f"DELETE FROM {model._meta.db_table}")
    assert len(problems()) == 7
    assert grants.adopt(by=CODE) == 7
    assert problems() == []
    sql(f"UPDATE {TABLE} SET is_break_glass = NOT is_break_glass")
    assert len(problems()) == 1


def test_a_row_that_ended_while_rows_are_adopted_is_not_adopted(alice, monkeypatch):
    with recorded():
        row = ScopeGrant(scope="notes:read", user=alice)
        row.save()
    read = list(reconciling.all_rows())
    sql(f"DELETE FROM {TABLE} WHERE id = %s", row.pk)
    monkeypatch.setattr("api_guard.grants.adopting.all_rows", lambda: read)
    assert grants.adopt(by=CODE) == 0


def test_a_value_that_only_sql_can_write_hides_nothing_else(rows, others, monkeypatch):
    bad = rows["until"].pk
    read = QuerySet.__iter__

    def iterate(self):
        found = list(read(self))
        if any(isinstance(each, ScopeGrant) and each.pk == bad for each in found):
            raise ValueError("year is out of range")
        return iter(found)

    monkeypatch.setattr(QuerySet, "__iter__", iterate)
    assert problems() == [
        f"grant {bad}: it has a value that Django cannot read, and could not write"
    ]


def test_what_names_no_user_is_not_taken_for_a_user_who_is_gone():
    assert not is_gone("user:x")


def test_a_change_that_cannot_be_recorded_is_undone(alice, monkeypatch):
    def fail(*args, **kwargs):
        raise DatabaseError("the disk is full")

    monkeypatch.setattr("api_guard.grants.who.record", fail)
    for row in (
        RateOverride(name="budget:api/h", limit=5, user=alice),
        RemoteSubject(issuer="https://as.example", subject="1", user=alice),
    ):
        with pytest.raises(DatabaseError):
            row.save()
        assert not type(row).objects.exists()


def test_a_request_that_was_granted_is_as_the_ledger_says(others, alice, admin_user):
    grants.approve(others["request"], by=admin_user)
    assert problems() == []


@pytest.mark.django_db(transaction=True)
def test_what_happened_to_a_row_whose_beginning_was_pruned_says_nothing_alone(alice):
    grants.grant("notes:read", alice, by=CODE)
    row = grants.held(alice).get()
    last = LedgerRecord.objects.latest("sequence").sequence
    grants.extend(row, timezone.now() + timedelta(days=1), by=CODE)
    assert grants.adopt(by=CODE, since=last) == 1
    assert problems() == []
