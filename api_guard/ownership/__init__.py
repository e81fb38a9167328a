"""Narrows querysets and checks objects by a view's object rule."""

from api_guard.ownership.owners import leads_to_user, owner_for
from api_guard.ownership.related import narrow_related
from api_guard.ownership.rules import covers, covers_written, is_of, narrow

__all__ = [
    "covers",
    "covers_written",
    "is_of",
    "leads_to_user",
    "narrow",
    "narrow_related",
    "owner_for",
]
