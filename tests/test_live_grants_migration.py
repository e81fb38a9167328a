"""The migration that lets every database hold one unrevoked grant of a scope for each grantee."""

from __future__ import annotations

from datetime import timedelta
from functools import cache
from importlib import import_module

import pytest
from django.core.management import call_command
from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor
from django.utils import timezone

from api_guard import grants

migration = import_module("api_guard.migrations.0005_live_grants")
pytestmark = pytest.mark.django_db(transaction=True)

NOW = timezone.now()
BEFORE = ("api_guard", "0004_redeemed_codes")
AFTER = ("api_guard", "0005_live_grants")
NEVER = None


def days(number):
    return NOW + timedelta(days=number)


@cache
def model_of(target):
    apps = MigrationExecutor(connection).loader.project_state(target).apps
    return apps.get_model("api_guard", "ScopeGrant")


def migrate_to(*target):
    call_command("migrate", *target, verbosity=0)


def migrate():
    migrate_to(*AFTER)


@pytest.fixture(scope="module")
def before(django_db_setup, django_db_blocker):
    """The way back is long: it is gone once."""
    with django_db_blocker.unblock():
        migrate_to(*BEFORE)
        yield
        migrate_to("api_guard")


@pytest.fixture
def old_model(before):
    """The model as it was, without the constraints that MySQL and MariaDB have always ignored."""
    model = model_of(BEFORE)
    constraints = [
        constraint
        for constraint in model._meta.constraints
        if constraint.name.startswith("api_guard_one_grant_per_")
    ]
    with connection.schema_editor() as editor:
        for constraint in constraints:
            editor.remove_constraint(model, constraint)
    yield model
    # A failure half way leaves what only the whole way takes back.
    migrate()
    migrate_to(*BEFORE)


@pytest.fixture
def add(old_model):
    def add(user, *, expires_at=NEVER, granted=-9, revoked=None, reason="", scope="notes:read"):
        return old_model.objects.create(
            scope=scope,
            user_id=user.pk,
            granted_at=days(granted),
            expires_at=expires_at,
            revoked_at=None if revoked is None else days(revoked),
            revoked_reason=reason,
        ).pk

    return add


def unrevoked(user):
    rows = model_of(AFTER).objects.filter(user_id=user.pk, revoked_at=None)
    return sorted(rows.values_list("pk", flat=True))


def test_it_can_be_undone_and_done_again(alice):
    row = grants.grant("notes:read", alice, by=grants.System("a test"))
    try:
        migrate_to(*BEFORE)
        migrate_to(*BEFORE)
        assert model_of(BEFORE).objects.get().pk == row.pk
    finally:
        migrate_to("api_guard")
    assert [held.pk for held in grants.held(alice)] == [row.pk]
    assert grants.granted(alice, None)[0].user >= {"notes:read"}


def test_the_longest_lived_of_several_is_kept_and_the_others_are_closed(add, alice, bob, capsys):
    tomorrow, longest, week = (add(alice, expires_at=end) for end in (days(1), NEVER, days(7)))
    over, later = add(bob, expires_at=days(-2)), add(bob, expires_at=days(3))
    migrate()
    assert (unrevoked(alice), unrevoked(bob)) == ([longest], [later])
    said = capsys.readouterr().out
    for closed in (tomorrow, week, over):
        assert f"Scope grant {closed} (notes:read, user" in said
        row = model_of(AFTER).objects.get(pk=closed)
        assert (row.live, row.revoked_reason) == (None, "closed as a duplicate")
    assert f"Scope grant {longest} " not in said


def test_what_a_revoke_had_left_is_closed(add, alice, bob, staff, admin_user, capsys):
    """Who revoked one of several meant that nothing is held any more."""
    add(alice, granted=-9, revoked=-5, reason="left the company")
    left = [add(alice, granted=-9), add(alice, granted=-8, expires_at=days(5))]
    # A grant anew, after the revoke.
    add(bob, granted=-9, revoked=-5, reason="a mistake")
    anew = add(bob, granted=-4)
    # grant() closes what has expired after it made the new one.
    add(staff, granted=-9, expires_at=days(-6), revoked=-5, reason="expired")
    successor = add(staff, granted=-5.001)
    # What was revoked had another name.
    add(admin_user, granted=-9, revoked=-5, scope="Notes:Read")
    other = add(admin_user, granted=-9)
    migrate()
    assert unrevoked(alice) == []
    assert [unrevoked(user) for user in (bob, staff, admin_user)] == [[anew], [successor], [other]]
    said = capsys.readouterr().out
    assert all(f"Scope grant {pk} (" in said for pk in left)
    assert said.count("left by a revoke") == 2


def test_of_two_spellings_that_a_database_takes_for_one_the_declared_one_is_kept(add, alice):
    declared = add(alice, expires_at=days(1))
    other = add(alice, scope="Notes:Read")
    migrate()
    apart = connection.vendor != "mysql"
    assert unrevoked(alice) == sorted([declared, other] if apart else [declared])


@pytest.mark.parametrize("failing", ["add_field", "add_constraint", "remove_constraint"])
@pytest.mark.parametrize("after", [0, 1, 2])
def test_it_can_be_run_again_after_a_failure_half_way(add, alice, bob, monkeypatch, failing, after):
    kept, _ = add(alice), add(alice, expires_at=days(1))
    add(bob, granted=-9, revoked=-5)
    add(bob, granted=-9)
    editor = type(connection.schema_editor())
    do, calls = getattr(editor, failing), []

    def fail(self, *args, **kwargs):
        calls.append(args)
        if len(calls) > after:
            raise DatabaseError("the connection is lost")
        return do(self, *args, **kwargs)

    monkeypatch.setattr(editor, failing, fail)
    try:
        migrate()
    except DatabaseError:
        pass
    else:
        assert len(calls) <= after
    monkeypatch.undo()
    migrate()
    assert (unrevoked(alice), unrevoked(bob)) == ([kept], [])
    with connection.cursor() as cursor:
        names = connection.introspection.get_constraints(cursor, "api_guard_scopegrant")
    found = {name for name in names if name.startswith("api_guard_one_")}
    assert found == {f"api_guard_one_live_grant_per_{kind}" for kind in migration.GRANTEES}


@pytest.mark.skipif(
    connection.features.can_rollback_ddl, reason="a transaction keeps others from writing meanwhile"
)
def test_what_is_granted_twice_while_it_runs_is_closed_too(add, alice, monkeypatch):
    first = add(alice)
    editor = type(connection.schema_editor())
    add_field = editor.add_field

    def add_one_more(self, model, field):
        add_field(self, model, field)
        if field.name == "live":
            add(alice, expires_at=days(1))

    monkeypatch.setattr(editor, "add_field", add_one_more)
    migrate()
    assert unrevoked(alice) == [first]
