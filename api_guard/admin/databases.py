"""An admin that reads where it writes: a replica may show what was true some seconds ago."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db import router
from django.db.models import QuerySet
from django.http import HttpRequest


class WrittenAdmin(admin.ModelAdmin):  # type: ignore[type-arg]  # generic in the stubs alone
    """Shows rows, and who may hold one, from the database that they are written to."""

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """Return the rows."""
        rows: QuerySet[Any] = super().get_queryset(request)
        return rows.using(router.db_for_write(self.model))

    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        """Return the field with which a grantee is chosen."""
        using = router.db_for_write(self.model)
        return super().formfield_for_foreignkey(db_field, request, **{**kwargs, "using": using})
