"""A database that fails between a change and its record leaves neither of them."""

from __future__ import annotations

import pytest
from django.core.management import call_command
from django.db import DatabaseError, InterfaceError, connection, connections

from api_guard import grants
from api_guard.grants import who
from api_guard.models import LedgerRecord, RateOverride, ScopeGrant

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(
        connection.vendor == "sqlite", reason="SQLite has no server that could end a connection"
    ),
]

CODE = grants.System("a test")


def end_connection(*args, **kwargs):
    """Let another connection end that of this thread, as an administrator or a crash does."""
    other = connections.create_connection("default")
    try:
        with connection.cursor() as mine, other.cursor() as cursor:
            if connection.vendor == "postgresql":
                mine.execute("SELECT pg_backend_pid()")
                cursor.execute("SELECT pg_terminate_backend(%s)", mine.fetchone())
            else:
                mine.execute("SELECT CONNECTION_ID()")
                cursor.execute(f"KILL {int(mine.fetchone()[0])}")
    finally:
        other.close()


def changes(row, override, to):
    return {
        "grant": lambda: grants.grant("notes:write", to, by=CODE),
        "revoke": lambda: grants.revoke(row, by=CODE),
        "override": override.delete,
    }


@pytest.fixture
def before(alice):
    row = grants.grant("notes:read", alice, by=CODE)
    override = RateOverride.objects.create(name="budget:api/h", limit=5, user=alice)
    return row, override


def assert_as_before(row, override, count):
    assert [(each.pk, each.is_live()) for each in ScopeGrant.objects.all()] == [(row.pk, True)]
    assert RateOverride.objects.get().pk == override.pk
    assert LedgerRecord.objects.count() == count
    call_command("guard_ledger", "verify", verbosity=0)


@pytest.mark.parametrize("change", ["grant", "revoke", "override"])
def test_a_connection_that_ends_between_a_change_and_its_record(before, alice, change, monkeypatch):
    count = LedgerRecord.objects.count()

    def ending(real):
        def fail(*args, **kwargs):
            end_connection()
            real(*args, **kwargs)

        return fail

    with monkeypatch.context() as patch:
        for name in ("record", "record_many"):
            patch.setattr(who, name, ending(getattr(who, name)))
        with pytest.raises((DatabaseError, InterfaceError)):
            changes(*before, alice)[change]()
    connection.close()
    assert_as_before(*before, count)


@pytest.mark.parametrize("change", ["grant", "revoke", "override"])
def test_a_database_that_refuses_the_record(before, alice, change):
    count, table = LedgerRecord.objects.count(), LedgerRecord._meta.db_table
    if connection.vendor == "postgresql":
        begin = (
            "CREATE FUNCTION refuse() RETURNS trigger AS "
            "$$ BEGIN RAISE EXCEPTION 'the disk is full'; END $$ LANGUAGE plpgsql",
            f"CREATE TRIGGER refuse BEFORE INSERT ON {table} "
            "FOR EACH ROW EXECUTE FUNCTION refuse()",
        )
        end = (f"DROP TRIGGER refuse ON {table}", "DROP FUNCTION refuse()")
    else:
        begin = (
            f"CREATE TRIGGER refuse BEFORE INSERT ON {table} FOR EACH ROW "
            "SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'the disk is full'",
        )
        end = ("DROP TRIGGER refuse",)
    with connection.cursor() as cursor:
        for statement in begin:
            cursor.execute(statement)
        try:
            with pytest.raises(DatabaseError, match="the disk is full"):
                changes(*before, alice)[change]()
        finally:
            for statement in end:
                cursor.execute(statement)
    assert_as_before(*before, count)
