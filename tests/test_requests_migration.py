"""The migration after which every database holds one open request for the same."""

from unittest.mock import patch

import pytest
from django.core.management import call_command
from django.db import OperationalError, connection, transaction
from django.db.migrations.executor import MigrationExecutor
from django.utils import timezone

from api_guard import grants
from api_guard.core.ledger import Event
from api_guard.models import GrantRequest

pytestmark = pytest.mark.django_db(transaction=True)
CODE = grants.System("a test")
BEFORE = ("api_guard", "0008_authorities")


@pytest.fixture
def old_model():
    """The model as it was."""
    call_command("migrate", *BEFORE, verbosity=0)
    apps = MigrationExecutor(connection).loader.project_state(BEFORE).apps
    yield apps.get_model("api_guard", "GrantRequest")
    call_command("migrate", "api_guard", verbosity=0)


def test_of_several_open_requests_for_the_same_the_newest_stays_open(old_model, alice, bob):
    def add(user, scope="notes:read", outcome=""):
        return old_model.objects.create(scope=scope, user_id=user.pk, outcome=outcome).pk

    declined, first, second, newest = add(alice, outcome="declined"), *(add(alice) for _ in "abc")
    other, of_bob = add(alice, "notes:write"), add(bob)
    call_command("migrate", "api_guard", verbosity=0)
    outcomes = dict(GrantRequest.objects.values_list("pk", "outcome"))
    assert outcomes == {
        declined: "declined",
        first: "expired",
        second: "expired",
        newest: "",
        other: "",
        of_bob: "",
    }
    assert sorted(row.pk for row in grants.open_requests()) == [newest, other, of_bob]
    assert GrantRequest.objects.get(pk=first).decision_reason == "closed as a duplicate"


def test_what_the_migration_closed_is_adopted_by_the_ledger(old_model, alice):
    first, second = (
        old_model.objects.create(scope="notes:read", user_id=alice.pk).pk for _ in "ab"
    )
    facts = {"request": first, "expires_at": None}
    call_command("migrate", "api_guard", verbosity=0)
    # As it was recorded before: the models of today know a column that the ledger had not then.
    with transaction.atomic():
        grants.note(Event.REQUEST, grants.who_of(CODE), alice, "notes:read", "", facts)
    assert next(str(each) for each in grants.differences()) == (
        f"request {first}: its outcome is expired, but the ledger says open"
    )
    assert grants.adopt(by=CODE) == 2
    assert list(grants.differences()) == []
    assert [row.pk for row in grants.open_requests()] == [second]


@pytest.mark.parametrize(
    ("last", "name"),
    [
        ("add_constraint", "ReviewedGrant"),
        ("create_model", "Notice"),
        ("add_index", "LedgerRecord"),
    ],
)
def test_each_can_be_run_again_after_it_failed_half_way(old_model, alice, last, name):
    """MySQL and MariaDB keep what a migration made before it failed; the others undo it."""
    for _ in "ab":
        old_model.objects.create(scope="notes:read", user_id=alice.pk)
    whole = getattr(connection.SchemaEditorClass, last)

    def fail(editor, model, *args):
        if model.__name__ == name:
            raise OperationalError("gone away")
        whole(editor, model, *args)

    with patch.object(connection.SchemaEditorClass, last, fail), pytest.raises(OperationalError):
        call_command("migrate", "api_guard", verbosity=0)
    call_command("migrate", "api_guard", verbosity=0)
    assert grants.open_requests().count() == 1


def test_a_process_that_does_not_know_the_new_columns_can_still_ask(alice):
    table = connection.ops.quote_name(GrantRequest._meta.db_table)
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO {table} (scope, user_id, reason, asked_at, outcome) "
            "VALUES ('notes:read', %s, '', %s, '')",
            [alice.pk, connection.ops.adapt_datetimefield_value(timezone.now())],
        )
    assert GrantRequest.objects.get().decision_reason == ""
