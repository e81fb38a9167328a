"""Rows that can be written only by code that records the write in the ledger."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from django.core.exceptions import ValidationError
from django.db import models, router, transaction
from django.utils.translation import gettext_lazy as _

from api_guard.exceptions import GuardError
from api_guard.models.append_only import AppendOnlyError

_is_recorded: ContextVar[bool] = ContextVar("api_guard_is_recorded", default=False)


class UnrecordedError(GuardError):
    """Code tried to write rows in bulk without a record in the ledger."""


def is_unrecorded(error: Exception) -> bool:
    """Whether code tried a write without a record, or a change of the ledger itself."""
    if not isinstance(error, ValidationError):
        return isinstance(error, (UnrecordedError, AppendOnlyError))
    # Django collects the errors of a row by field.
    flaws = ValidationError([error]).error_list
    return any(flaw.code == "unrecorded" for flaw in flaws)


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


class SavedWithRecord(models.Model):
    """A row that a receiver records when it is saved: both are stored, or neither is."""

    class Meta:
        abstract = True

    # Any: Django's own signature.
    def save(self, *args: Any, **kwargs: Any) -> None:
        """Save the row and its record in one transaction."""
        using = kwargs.get("using") or router.db_for_write(type(self), instance=self)
        with transaction.atomic(using=using):
            super().save(*args, **kwargs)


class SignalledQuerySet(models.QuerySet[Any]):
    """Refuses the writes that send no signal, and so leave no record. Raises UnrecordedError.

    It is also the base manager, because `add()` of a related manager writes through that.
    """

    # Any: Django's own signatures.
    def update(self, **kwargs: Any) -> int:
        """Write columns."""
        if not self._is_set_null(kwargs):
            _refuse_in_bulk("update()")
        return super().update(**kwargs)

    update.alters_data = True  # type: ignore[attr-defined]  # no template calls it

    def bulk_create(self, objs: Iterable[Any], *args: Any, **kwargs: Any) -> list[Any]:
        """Insert rows."""
        _refuse_in_bulk("bulk_create()")
        return super().bulk_create(objs, *args, **kwargs)

    def bulk_update(self, objs: Iterable[Any], *args: Any, **kwargs: Any) -> int:
        """Write columns of rows."""
        _refuse_in_bulk("bulk_update()")
        return super().bulk_update(objs, *args, **kwargs)

    def _is_set_null(self, values: Mapping[str, object]) -> bool:
        """Whether Django forgets a user who is deleted, such as the one who granted."""
        fields: list[Any] = [self.model._meta.get_field(name) for name in values]
        return all(
            value is None and getattr(field.remote_field, "on_delete", None) is models.SET_NULL
            for field, value in zip(fields, values.values(), strict=True)
        )


class RecordedQuerySet(SignalledQuerySet):
    """Refuses to delete in bulk too. Raises UnrecordedError."""

    def delete(self) -> tuple[int, dict[str, int]]:
        """Delete the rows."""
        _refuse_in_bulk("delete()")
        return super().delete()

    delete.alters_data = True  # type: ignore[attr-defined]
    delete.queryset_only = True  # type: ignore[attr-defined]  # no manager has it


def _refuse_in_bulk(how: str) -> None:
    if not _is_recorded.get():
        raise UnrecordedError(
            f"{how} would write rows without a record in the ledger. Write grants.grant(scope, to, "
            "by=user), grants.revoke(row, by=user) or grants.extend(row, moment, by=user). In code "
            'without a user, write by=System("migration 0007"). Save other rows one by one.'
        )
