"""Stores the objects of one serializer together, or refuses them together."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from django.db import DatabaseError, connections, router, transaction
from django.db.models import Model
from rest_framework.serializers import ListSerializer

from api_guard.access import ownership
from api_guard.access.vetting.foreign_keys import link_fields
from api_guard.access.vetting.judging import is_decided_by_sets
from api_guard.access.vetting.keeping import Written, may_be_left
from api_guard.access.vetting.record import Vetting
from api_guard.access.vetting.undoing import forget_caught
from api_guard.exceptions import OutsideYourObjects


@contextmanager
def whole_or_refused(
    vetting: Vetting, serializer: Any, values: Mapping[str, Any]
) -> Iterator[None]:
    """Refuse a list before its first row is stored, if memory can tell. Otherwise undo it.

    It is also undone if a many-to-many set decides, because a serializer sets it after the row.
    Only a refusal undoes: after an exception of the project, its rows stay.
    """
    model, keep = vetting.model, vetting.keep
    rows = serializer.validated_data if isinstance(serializer, ListSerializer) else []
    is_unclear = False
    if keep is not None and model is not None and rows and serializer.instance is None:
        using = router.db_for_write(model)
        user_id = vetting.caller.user_id
        written = [_as_written(vetting, {**row, **values}, using) for row in rows if _is_row(row)]
        verdicts = {may_be_left(each, keep, None, model, user_id) for each in written}
        if False in verdicts:
            raise OutsideYourObjects
        # bulk_create() stores all rows at once, and was checked there.
        vetting.has_run = vetting.has_run or verdicts == {True}
        is_unclear = None in verdicts and len(rows) > 1
    if model is None or not (is_unclear or is_decided_by_sets(vetting)):
        yield
        return
    failure: Exception | None = None
    using = router.db_for_write(model)
    is_inside = connections[using].in_atomic_block
    with transaction.atomic(using=using):
        try:
            yield
        except OutsideYourObjects:
            raise
        except Exception as error:  # noqa: BLE001  # raised again below; it keeps what it stored
            failure = error
        # A save that the database refused was undone to its own savepoint.
        forget_caught(connections[using])
    if is_inside and isinstance(failure, DatabaseError):
        # The same as without this transaction.
        transaction.set_rollback(True, using=using)
    if failure is not None:
        raise failure


def _is_row(row: object) -> bool:
    return isinstance(row, Mapping)


def _as_written(vetting: Vetting, values: Mapping[str, Any], using: str) -> Written:
    """Return the foreign keys of one new row."""
    model: Any = vetting.model
    instance = model()
    for field in link_fields(model):
        if field.attname in values:
            setattr(instance, field.attname, values[field.attname])
        elif isinstance(values.get(field.name), Model):
            setattr(instance, field.name, values[field.name])
    owner = None if vetting.keep is None else ownership.owner_field(model, vetting.keep.owner)
    if owner is not None and getattr(instance, owner.attname) is None:
        # It is filled in when the row is written.
        setattr(instance, owner.attname, vetting.caller.user_id)
    return Written(instance, None, None, using, may_exist=False)
