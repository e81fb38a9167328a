"""Who is in which of Django's groups: the field `groups` of the user model."""

from __future__ import annotations

from functools import cache
from typing import Any

from django.apps import apps
from django.db import models


@cache
def membership_of(user_model: type[models.Model]) -> Any:
    """Return the many-to-many field `groups` of a user model; None if users have no groups.

    A field of this name may lead to another model, for example to roles. The key of a role must
    not pass for the key of a group.
    """
    named = (field for field in user_model._meta.many_to_many if field.name == "groups")
    return next((field for field in named if _is_of_groups(field.related_model)), None)


def groups_in(user: Any) -> Any:
    """Return the manager of the groups that a user is in, or None if users have no groups."""
    meta = getattr(user, "_meta", None)
    return None if meta is None or membership_of(meta.model) is None else user.groups


def _is_of_groups(model: Any) -> bool:
    """Whether the keys of a model are those of groups. A child of Group may have its own."""
    groups, found = apps.get_model("auth.Group"), model._meta.concrete_model
    while found is not groups:
        key = found._meta.pk
        if not getattr(key.remote_field, "parent_link", False):
            return False
        found = key.related_model
    return True
