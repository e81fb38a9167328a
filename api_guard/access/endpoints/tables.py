"""Finds models that share rows: proxies, parents and children of one table."""

from __future__ import annotations

from contextlib import suppress
from functools import cache
from typing import Any

from django.apps import apps
from django.core.exceptions import ValidationError
from django.db.models import Model

# A table at the top of a model's inheritance, and the key of a row in it.
Key = tuple[type[Model], object]


@cache
def roots(model: type[Model]) -> frozenset[type[Model]]:
    """Return the tables at the top of the inheritance of `model`."""
    concrete: Any = model._meta.concrete_model
    found: frozenset[type[Model]] = frozenset()
    for parent in concrete._meta.parents:
        found |= roots(parent)
    return found or frozenset([concrete])


@cache
def shared_root(one: type[Model], other: type[Model]) -> type[Model] | None:
    """Return the top table in which both models keep their rows; None if they share none."""
    return min(roots(one) & roots(other), key=lambda model: model._meta.label, default=None)


def key_in(instance: Model, root: type[Model]) -> object:
    """Return the key of an instance in the table `root`, which its model inherits from."""
    meta: Any = root._meta
    value: object = getattr(instance, meta.pk.attname)
    if isinstance(value, tuple):
        return tuple(map(_as_stored, meta.pk_fields, value))
    return _as_stored(meta.pk, value)


def _as_stored(key: Any, value: object) -> object:
    """Return a key as it is stored: a key that came as text, for example in a URL, as a number."""
    with suppress(ValidationError):
        return key.to_python(value) if isinstance(value, str) else value
    return value


def keys_of(instance: Model) -> list[Key]:
    """Return the keys of an instance in each table at the top of its inheritance."""
    return [(root, key_in(instance, root)) for root in roots(instance.__class__)]


def rows_of(model: type[Model], root: type[Model], keys: list[object], using: str) -> Any:
    """Return the stored rows of `model` with these keys in `root`."""
    name = root._meta.pk.name
    return model._base_manager.using(using).filter(**{f"{name}__in": keys})


@cache
def relatives(model: type[Model]) -> tuple[type[Model], ...]:
    """Return every installed model that shares rows with `model`, itself included."""
    return tuple(each for each in apps.get_models() if shared_root(model, each) is not None)


@cache
def tables(model: type[Model]) -> frozenset[str]:
    """Return the names of the tables that hold the rows of `model`, and its sets."""
    concrete: Any = model._meta.concrete_model
    throughs = [field.remote_field.through for field in concrete._meta.many_to_many]
    own_sets = (each for each in throughs if each._meta.auto_created)
    models = (concrete, *concrete._meta.all_parents, *own_sets)
    return frozenset(each._meta.db_table for each in models)
