"""What `owner=` leads to."""

from __future__ import annotations

from functools import cache
from typing import Any

from django.contrib.auth import get_user_model
from django.core.exceptions import FieldDoesNotExist
from django.db.models import ForeignKey, Model
from rest_framework.serializers import BaseSerializer

from api_guard.core.policy import ObjectRule


@cache
def leads_to_user(model: type[Model], lookup: str) -> str | None:
    """Return the lookup that compares with a user's primary key; None where it names no user.

    A lookup that ends at another model would compare the numbers of two different things.
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
        holder, found = found, getattr(found, "related_model", None) or found
    if isinstance(found, type) and issubclass(found, Model):
        return f"{lookup}__pk" if _is_user(found) else None
    is_key = getattr(holder, "primary_key", False) is True and _is_user(holder.model)
    return lookup if is_key and issubclass(user_model, holder.model) else None


def _is_user(model: type[Model]) -> bool:
    user_model = get_user_model()
    return issubclass(user_model, model) or issubclass(model, user_model)


def owner_field(model: type[Model], rule: ObjectRule) -> ForeignKey[Any, Any] | None:
    """Return the foreign key to a user's primary key that `owner` names, if it is one."""
    if rule.owner is None or leads_to_user(model, rule.owner) is None:
        return None
    try:
        field = model._meta.get_field(rule.owner)
    except FieldDoesNotExist:
        return None
    is_plain = isinstance(field, ForeignKey) and field.target_field.primary_key
    return field if isinstance(field, ForeignKey) and is_plain else None


def owner_for(serializer: BaseSerializer[Any], rule: ObjectRule, user: Any) -> dict[str, Any]:
    """Return the owner to save a new object with, where the client was given no say in it."""
    child = getattr(serializer, "child", serializer)
    model = getattr(getattr(child, "Meta", None), "model", None)
    if serializer.instance is not None or model is None or not isinstance(user, get_user_model()):
        return {}
    field = owner_field(model, rule)
    if field is None:
        return {}
    written = serializer.validated_data
    rows = written if isinstance(written, list) else [written]
    return {} if any(field.name in row for row in rows) else {field.name: user}
