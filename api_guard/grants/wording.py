"""Values of a row in the words of the ledger."""

from __future__ import annotations

from datetime import datetime

from api_guard import ledger
from api_guard.core.records import key_of_party


def expiry(moment: datetime | None) -> str:
    """Return an expiry in words."""
    # By the second: a database may keep less than was written.
    return "never" if moment is None else ledger.written(moment)[:19]


def keep_date(moment: datetime | None) -> str:
    """Return in words until when a grant is kept."""
    return "not set" if moment is None else ledger.written(moment)[:19]


def user_key(pk: object) -> str:
    """Return a user as the ledger names it; "" for nobody."""
    return "" if pk is None else key_of_party("user", str(pk))
