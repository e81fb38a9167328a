"""An admin that reads from the database that it writes to: a replica may be seconds behind."""

from __future__ import annotations

from typing import Any

from django.db import router
from django.db.models import QuerySet
from django.http import HttpRequest

from api_guard.admin.keys import KeyedAdmin
from api_guard.admin.sheets import StyledAdmin


class WrittenAdmin(KeyedAdmin, StyledAdmin):
    """Reads the rows and their possible grantees from the database that rows are written to."""

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """Return the rows."""
        rows: QuerySet[Any] = super().get_queryset(request)
        return rows.using(router.db_for_write(self.model))

    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        """Return the field that chooses a grantee."""
        using = router.db_for_write(self.model)
        return super().formfield_for_foreignkey(db_field, request, **{**kwargs, "using": using})
