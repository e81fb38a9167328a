"""Finds the fields with which a view's serializer links to other objects, and what it linked."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from operator import attrgetter
from typing import Any

from django.core.exceptions import FieldError
from django.db.models import Model
from rest_framework.relations import ManyRelatedField, PrimaryKeyRelatedField, SlugRelatedField

from api_guard.access.endpoints.subjects import serializer_class_of
from api_guard.testing.asking import Asked, Question
from api_guard.testing.undoing import undone


@dataclass(frozen=True)
class Link:
    """A writable related field: its name, its source in the model, and the value for an object."""

    name: str
    source: str
    model: type[Model]
    value_of: Callable[[Model], Any]


def links_of(view_class: Any) -> tuple[Link, ...]:
    """Return a link for each writable related field."""
    # Without a request a serializer may fail. Then there is nothing to probe.
    with suppress(Exception):
        return tuple(_links_in(serializer_class_of(view_class)()))
    return ()


def _links_in(serializer: Any) -> Iterator[Link]:
    for name, field in serializer.fields.items():
        related = field.child_relation if isinstance(field, ManyRelatedField) else field
        model = getattr(getattr(related, "queryset", None), "model", None)
        if field.read_only or model is None:
            continue
        if isinstance(related, SlugRelatedField):
            value = attrgetter(str(related.slug_field).replace("__", "."))
        elif isinstance(related, PrimaryKeyRelatedField):
            value = attrgetter("pk")
        else:
            continue
        value_of = _listed(value) if related is not field else value
        yield Link(name, str(field.source).replace(".", "__"), model, value_of)


def _listed(value: Callable[[Model], Any]) -> Callable[[Model], Any]:
    return lambda row: [value(row)]


@dataclass(frozen=True)
class Linked:
    """The answer to a body with a link, and whether the link was stored."""

    answer: Asked
    is_stored: bool


def write_link(
    question: Question,
    link: Link,
    model: type[Model],
    factories: Mapping[type[Model], Callable[[Any], Model]],
    mine: Any,
    whose: Any,
) -> Linked:
    """Write a link to an object of `whose`, and look whether it was stored."""
    with undone():
        own = factories[model](mine)
        other = factories[link.model](whose)
        body = question.body_of(mine, own) or {}
        before = _linked(model, link, other)
        answer = question.ask(mine, own, {**body, link.name: link.value_of(other)})
        is_accepted = answer.status is not None and answer.status < 400
        # An action may succeed and not even read the field.
        after = _linked(model, link, other)
        is_same = before is not None and after == before
        return Linked(answer, is_accepted and not is_same)


def _linked(model: type[Model], link: Link, to: Model) -> frozenset[Any] | None:
    """Return the keys of the objects that link to `to`; None if the field is not a column."""
    rows: Any = model._default_manager
    # The source may be a property or a method.
    with suppress(FieldError, ValueError):
        return frozenset(rows.filter(**{link.source: to}).values_list("pk", flat=True))
    return None
