"""The last use of a row, which is in a table of its own."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db import models, router


class Used(models.Model):
    """A row whose last use is in the row `use` of another table, if it was ever used."""

    class Meta:
        abstract = True

    @property
    def last_used_at(self) -> datetime | None:
        """When the row last let a request in. For a list, use `select_related("use")`."""
        relation: Any = self._meta.get_field("use")
        if not relation.is_cached(self):
            # A replica may be behind.
            model = relation.related_model
            uses = model._base_manager.using(router.db_for_write(model, instance=self))
            relation.set_cached_value(self, uses.filter(grant=self.pk).first())
        use = relation.get_cached_value(self)
        return None if use is None else use.last_used_at
