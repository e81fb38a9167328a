"""Rows that can be written only by code that records the write in the ledger."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from django.core.exceptions import ValidationError
from django.db import models
from django.utils.translation import gettext_lazy as _

from api_guard.exceptions import GuardError

_is_recorded: ContextVar[bool] = ContextVar("api_guard_is_recorded", default=False)


@contextmanager
def recorded() -> Iterator[None]:
    """Allow writes in this block, for code that records them in the ledger."""
    token = _is_recorded.set(True)
    try:
        yield
    finally:
        _is_recorded.reset(token)


def is_recorded() -> bool:
    """Whether writes are allowed here, because the ledger records them."""
    return _is_recorded.get()


def refuse_unrecorded() -> None:
    """Raise ValidationError, which a form can show, unless the ledger records the write."""
    if not _is_recorded.get():
        raise ValidationError(
            _("Use api_guard.grants to write this row: it records who did it and why."),
            code="unrecorded",
        )


class RecordedQuerySet(models.QuerySet[Any]):
    """Refuses bulk writes that the ledger does not record. Raises GuardError."""

    # Any: Django's own signatures.
    def update(self, **kwargs: Any) -> int:
        """Write columns."""
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


def _refuse_in_bulk(how: str) -> None:
    if not _is_recorded.get():
        raise GuardError(
            f"{how} would write grants without a record in the ledger. Write grants.grant(scope, "
            "to, by=user), grants.revoke(row, by=user) or grants.extend(row, moment, by=user). "
            'In code without a user, write by=System("migration 0007").'
        )
