"""What SQL does to the grants is found by their records."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.utils import timezone

from api_guard import grants
from api_guard.grants import GrantError, System, reconciling
from api_guard.models import LedgerRecord, ScopeGrant, recorded

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
        ("UPDATE {table} SET expires_at = NULL WHERE id = %s", "until", "the ledger says"),
        ("UPDATE {table} SET scope = 'audit:write' WHERE id = %s", "kept", "the ledger says"),
        ("UPDATE {table} SET user_id = user_id + 1 WHERE id = %s", "kept", "was granted to user:"),
        ("UPDATE {table} SET revoked_at = NULL WHERE id = %s", "gone", "no record grants"),
        ("UPDATE {table} SET revoked_at = granted_at WHERE id = %s", "kept", "without a record"),
        ("DELETE FROM {table} WHERE id = %s", "kept", "without a record"),
    ],
)
def test_what_sql_did_is_named_and_nothing_else_is(rows, statement, which, said):
    sql(statement.format(table=TABLE), rows[which].pk)
    [problem] = problems()
    assert problem.startswith(f"grant {rows[which].pk}: ")
    assert said in problem


def test_grants_that_are_older_than_the_ledger_are_adopted(alice, monkeypatch):
    monkeypatch.setattr("api_guard.grants.reconciling._PAGE", 2)
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
    assert "no record grants" in problem


def test_a_grant_that_is_made_while_grants_are_compared_is_no_difference(rows, bob, monkeypatch):
    read, scopes = reconciling._unrevoked, ["audit:read", "notes:write"]

    def unrevoked():
        grants.grant(scopes.pop(), bob, by=CODE)  # one each time that they are compared
        return read()

    monkeypatch.setattr(reconciling, "_unrevoked", unrevoked)
    assert problems() == []
    assert grants.held(bob).count() == 2


def test_what_sql_did_is_not_made_good_by_an_extension(rows, bob):
    sql(f"UPDATE {TABLE} SET user_id = %s WHERE id = %s", bob.pk, rows["until"].pk)
    grants.extend(grants.get(rows["until"].pk), timezone.now() + timedelta(days=9), by=CODE)
    [problem] = problems()
    assert f"user:{bob.pk} has it" in problem
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
    with pytest.raises(CommandError, match=f"grant {older.pk}: no record grants notes:write"):
        call_command("guard_ledger", "verify")
    with pytest.raises(CommandError, match="Nothing was pruned"):
        call_command("guard_ledger", "prune", "--through", "1")
    assert "Recorded 1 grant." in run(capsys, "adopt", "--by", "alice", "--reason", "it was there")
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
