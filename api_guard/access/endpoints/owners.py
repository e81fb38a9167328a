"""Follows `owner=` to a user."""

from __future__ import annotations

from functools import cache
from typing import Any

from django.contrib.auth import get_user_model
from django.core.exceptions import FieldDoesNotExist
from django.db.models import Field, ForeignKey, Model

from api_guard.core.objects import ObjectRule


@cache
def leads_to_user(model: type[Model], lookup: str) -> str | None:
    """Return the lookup that compares with a user's primary key, or None if it leads to no user.

    A lookup that ends at another model would compare the keys of two different models.
    """
    user_model = get_user_model()
    found: Any = model
    for name in lookup.split("__"):
        if not (isinstance(found, type) and issubclass(found, Model)):
            return None
        if name == "pk":
            found = found._meta.pk
        else:
            try:
                found = found._meta.get_field(name)
            except FieldDoesNotExist:
                return None
        grantee, found = found, getattr(found, "related_model", None) or found
    if isinstance(found, type) and issubclass(found, Model):
        return f"{lookup}__pk" if _is_user(found) else None
    is_key = getattr(grantee, "primary_key", False) is True and _is_user(grantee.model)
    return lookup if is_key and issubclass(user_model, grantee.model) else None


def _is_user(model: type[Model]) -> bool:
    user_model = get_user_model()
    return issubclass(user_model, model) or issubclass(model, user_model)


@cache
def owner_field(model: type[Model], owner: str | None) -> ForeignKey[Any, Any] | None:
    """Return the foreign key to a user's primary key that `owner` names, or None."""
    if owner is None or leads_to_user(model, owner) is None:
        return None
    field = first_hop(model, owner)
    is_plain = isinstance(field, ForeignKey) and field.target_field.primary_key
    return field if isinstance(field, ForeignKey) and is_plain and "__" not in owner else None


def first_hop(model: type[Model], lookup: str) -> Field[Any, Any] | None:
    """Return the column at the start of a lookup, or None if it is a relation to many."""
    name = lookup.partition("__")[0]
    field: Any = model._meta.pk if name == "pk" else model._meta.get_field(name)
    return field if isinstance(field, Field) and field.concrete and not field.many_to_many else None


def many_to_many(model: type[Model], owner: str | None) -> Any:
    """Return the many-to-many field to users that `owner` names, or None."""
    if owner is None or leads_to_user(model, owner) is None:
        return None
    return next((field for field in model._meta.many_to_many if field.name == owner), None)


def is_oneself(rule: ObjectRule, model: type[Model]) -> bool:
    """Whether a rule over users shows each user only itself, as a view of the profile does."""
    if rule.owner is None or not _is_user(model):
        return False
    field = first_hop(model, rule.owner) if leads_to_user(model, rule.owner) else None
    return field is not None and field.primary_key and "__" not in rule.owner
