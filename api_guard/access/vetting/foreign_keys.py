"""The foreign keys of a model, and the rows that an instance points to."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

from django.db.models import ForeignKey, Model

# What a stored row points to, by the names of its foreign keys.
Links = Mapping[str, object]


@cache
def link_fields(model: type[Model]) -> tuple[ForeignKey[Any, Any], ...]:
    """Return the foreign keys of a model, without those to its parents."""
    return tuple(
        field
        for field in model._meta.concrete_fields
        if isinstance(field, ForeignKey) and not getattr(field.remote_field, "parent_link", False)
    )


def links_of(instance: Model) -> Links:
    """Return what an instance points to, as far as it is loaded."""
    values = instance.__dict__
    fields = link_fields(instance.__class__)
    return {field.attname: values[field.attname] for field in fields if field.attname in values}
