"""Names the database that a signal is about."""

from __future__ import annotations

from django.db import router
from django.db.models import Model


def written_to(instance: Model, using: str | None) -> str:
    """Return the alias that a signal names; the one that Django would write to if it names none.

    Django always names it. Packages that send Django's signals themselves, such as for a soft
    delete, may not.
    """
    return using or router.db_for_write(instance.__class__, instance=instance)
