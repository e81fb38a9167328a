"""The options in a serializer's Meta."""

from __future__ import annotations

from dataclasses import dataclass

from rest_framework.serializers import BaseSerializer

from api_guard.conf.values import is_count
from api_guard.fields.related import MAX_ITEMS


@dataclass(frozen=True)
class Options:
    """`Meta.strict_types`, `Meta.refuse_read_only` and `Meta.max_items`."""

    strict_types: bool = False
    refuse_read_only: bool = False
    max_items: int = MAX_ITEMS


def options_of(serializer: BaseSerializer[object] | type[BaseSerializer[object]]) -> Options:
    """Return the options of `serializer`. For an invalid number, the default is used."""
    meta = getattr(serializer, "Meta", None)
    most = getattr(meta, "max_items", MAX_ITEMS)
    return Options(
        strict_types=getattr(meta, "strict_types", False) is True,
        refuse_read_only=getattr(meta, "refuse_read_only", False) is True,
        max_items=most if is_count(most) else MAX_ITEMS,
    )
