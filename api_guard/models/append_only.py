"""Tables that only grow: rows are added, and never changed or deleted."""

from __future__ import annotations

from typing import Any, NoReturn

from django.db import models
from django.db.models import QuerySet

from api_guard.exceptions import GuardError


class AppendOnlyError(GuardError):
    """Code tried to change or delete a row of an append-only table."""


class AppendOnlyQuerySet(QuerySet[Any]):
    """Reads rows, and creates one row at a time."""

    # Any: Django's own signatures.
    def update(self, **kwargs: Any) -> NoReturn:
        """Refuse."""
        del kwargs
        self._refuse()

    def delete(self) -> NoReturn:
        """Refuse."""
        self._refuse()

    def bulk_create(self, *args: Any, **kwargs: Any) -> NoReturn:
        """Refuse."""
        del args, kwargs
        self._refuse()

    def bulk_update(self, *args: Any, **kwargs: Any) -> NoReturn:
        """Refuse."""
        del args, kwargs
        self._refuse()

    def _refuse(self) -> NoReturn:
        raise AppendOnlyError(_said(self.model))

    update.alters_data = True  # type: ignore[attr-defined]  # Django's mark for templates
    delete.alters_data = True  # type: ignore[attr-defined]  # likewise


class AppendOnly(models.Model):
    """A row that is written once, by `api_guard.ledger`."""

    objects = models.Manager.from_queryset(AppendOnlyQuerySet)()

    class Meta:
        abstract = True
        base_manager_name = "objects"
        default_permissions = ("view",)

    # Any: Django's own signature.
    def save(self, *args: Any, **kwargs: Any) -> None:
        """Insert a new row. A stored row cannot be saved again or replaced."""
        if not self._state.adding:
            raise AppendOnlyError(_said(type(self)))
        super().save(*args, **{**kwargs, "force_insert": True})

    def delete(self, *args: Any, **kwargs: Any) -> NoReturn:
        """Refuse."""
        del args, kwargs
        raise AppendOnlyError(_said(type(self)))


def _said(model: type[models.Model]) -> str:
    name = model._meta.object_name
    return f"Rows of {name} cannot be changed or deleted. docs/ledger.md tells what can be erased."
