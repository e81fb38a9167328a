"""The migration that moves the last use of each grant to a table of its own."""

from __future__ import annotations

from datetime import timedelta
from unittest.mock import patch

import pytest
from django.core.management import call_command
from django.db import OperationalError, connection
from django.db.migrations.executor import MigrationExecutor
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from api_guard.grants import tracking
from api_guard.models import ScopeGrant, ScopeUse

pytestmark = pytest.mark.django_db(transaction=True)

BEFORE = ("api_guard", "0008_authorities")
COUNT = 3000


def old_model():
    state = MigrationExecutor(connection).loader.project_state(BEFORE)
    return state.apps.get_model("api_guard", "ScopeGrant")


@pytest.fixture
def before(alice):
    """Grants with and without a use, before the migration."""
    call_command("migrate", *BEFORE, verbosity=0)
    model, now = old_model(), timezone.now()
    model.objects.bulk_create(
        model(
            scope=f"notes:{n}",
            user_id=alice.pk,
            last_used_at=now - timedelta(seconds=n) if n % 3 else None,
        )
        for n in range(COUNT)
    )
    yield dict(model.objects.values_list("pk", "last_used_at"))
    call_command("migrate", "api_guard", verbosity=0)


def test_each_use_is_copied_by_the_database_itself_and_back(before):
    with CaptureQueriesContext(connection) as queries:
        call_command("migrate", "api_guard", verbosity=0)
    assert len(queries) < 200  # not one for each row
    used = {pk: moment for pk, moment in before.items() if moment is not None}
    assert dict(ScopeUse.objects.values_list("pk", "last_used_at")) == used
    rows = ScopeGrant.objects.select_related("use")
    assert {row.pk: row.last_used_at for row in rows} == before
    call_command("migrate", *BEFORE, verbosity=0)
    assert dict(old_model().objects.values_list("pk", "last_used_at")) == before


def test_uses_count_as_recorded_from_the_migration_on(before):
    began = timezone.now()
    call_command("migrate", "api_guard", verbosity=0)
    now = timezone.now()
    assert began <= tracking.tracked_since(now) <= now


def test_it_can_be_run_again_after_it_failed_half_way(before):
    """MySQL and MariaDB keep the tables that it made; the others undo them."""
    failing = "django.db.backends.base.schema.BaseDatabaseSchemaEditor.remove_field"
    with patch(failing, side_effect=OperationalError("gone away")), pytest.raises(OperationalError):
        call_command("migrate", "api_guard", verbosity=0)
    call_command("migrate", "api_guard", verbosity=0)
    assert ScopeUse.objects.count() == len([each for each in before.values() if each])
