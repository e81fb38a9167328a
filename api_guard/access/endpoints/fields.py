"""Finds the fields of a view that the object rules of other views narrow."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress
from functools import cache
from typing import Any

from django.db.models import Model
from rest_framework.relations import ManyRelatedField, RelatedField

from api_guard.access.endpoints.rulers import rulers_of
from api_guard.access.endpoints.subjects import serializer_class_of
from api_guard.access.endpoints.views import dotted_path, policy_of


def narrowed_fields(view_class: type) -> Iterator[str]:
    """Yield each writable related field of a view with the views whose object rules narrow it.

    For example `author<notes.views.Profile`: the rule of that view decides which users the field
    accepts. Fields in `@guard(related=...)` are left out.
    """
    policy = policy_of(view_class)
    for source, model in _related_fields(view_class):
        rulers = () if policy and source in policy.related else rulers_of(model, view_class)
        if rulers:
            yield f"{source}<{','.join(map(dotted_path, rulers))}"


@cache
def _related_fields(view_class: type) -> tuple[tuple[str, type[Model]], ...]:
    found: dict[str, type[Model]] = {}
    # Without a request anything may fail. Then there is no answer, and no error.
    with suppress(Exception):
        serializer: Any = serializer_class_of(view_class)()
        for source, field in _fields_of(serializer, ()):
            model = getattr(field.queryset, "model", None)
            if model is not None:
                found.setdefault(source, model)
    return tuple(found.items())


def _fields_of(serializer: Any, above: tuple[type, ...]) -> Iterator[tuple[str, Any]]:
    serializer = getattr(serializer, "child", serializer)
    cls = type(serializer)
    fields = getattr(serializer, "fields", None)
    if cls in above or not isinstance(fields, Mapping):
        return
    for field in fields.values():
        inner = getattr(field, "child_relation", field)
        if field.read_only:
            continue
        if isinstance(field, ManyRelatedField) or isinstance(inner, RelatedField):
            yield str(field.source), inner
        else:
            yield from _fields_of(field, (*above, cls))
