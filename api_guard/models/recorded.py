"""Rows that are written by whoever records it in the ledger, and by nobody else."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import SET_NULL
from django.utils.translation import gettext_lazy as _

from api_guard.exceptions import GuardError

_is_recorded: ContextVar[bool] = ContextVar("api_guard_is_recorded", default=False)


@contextmanager
def recorded() -> Iterator[None]:
    """Say that what is written here is recorded: for whoever records it."""
    token = _is_recorded.set(True)
    try:
        yield
    finally:
        _is_recorded.reset(token)


def is_recorded() -> bool:
    """Whether whoever writes here records it."""
    return _is_recorded.get()


def refuse_unrecorded() -> None:
    """Raise ValidationError, which a form shows, unless what is written here is recorded."""
    if not _is_recorded.get():
        raise ValidationError(
            _("Written through api_guard.grants alone, which records who did it and why."),
            code="unrecorded",
        )


class RecordedQuerySet(models.QuerySet[Any]):
    """Refuses the writes in bulk of which no record would be written. Raises GuardError."""

    # Any: Django's own signatures.
    def update(self, **kwargs: Any) -> int:
        """Write columns; Django empties those of a user who is deleted, which gives nothing."""
        if not self._is_of_deleted(kwargs):
            _refuse_in_bulk("update()")
        return super().update(**kwargs)

    update.alters_data = True  # type: ignore[attr-defined]  # no template calls it

    def delete(self) -> tuple[int, dict[str, int]]:
        """Delete the rows."""
        _refuse_in_bulk("delete()")
        return super().delete()

    delete.alters_data = True  # type: ignore[attr-defined]
    delete.queryset_only = True  # type: ignore[attr-defined]  # no manager has it

    def bulk_create(self, objs: Iterable[Any], *args: Any, **kwargs: Any) -> list[Any]:
        """Insert rows."""
        _refuse_in_bulk("bulk_create()")
        return super().bulk_create(objs, *args, **kwargs)

    def bulk_update(self, objs: Iterable[Any], *args: Any, **kwargs: Any) -> int:
        """Write columns of rows."""
        _refuse_in_bulk("bulk_update()")
        return super().bulk_update(objs, *args, **kwargs)

    def _is_of_deleted(self, values: dict[str, Any]) -> bool:
        fields: Any = self.model._meta.concrete_fields
        keys = [field for field in fields if field.remote_field]
        emptied = {field.name for field in keys if field.remote_field.on_delete is SET_NULL}
        return values.keys() <= emptied and all(value is None for value in values.values())


class Recorded(models.Model):
    """A row that is written through `api_guard.grants` alone."""

    objects = RecordedQuerySet.as_manager()

    class Meta:
        abstract = True
        base_manager_name = "objects"  # user.scope_grants.add(row) writes by it


def _refuse_in_bulk(how: str) -> None:
    if not _is_recorded.get():
        raise GuardError(
            f"{how} writes grants that no record would tell of. Write grants.grant(scope, to, "
            "by=user), grants.revoke(row, by=user) or grants.extend(row, moment, by=user); code "
            'names itself, by=System("migration 0007").'
        )
