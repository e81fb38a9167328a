"""Checks of ways other than a grant by which a user can get access."""

from __future__ import annotations

from collections.abc import Sequence

from django.contrib.auth import get_user_model
from django.contrib.auth.models import Permission
from django.core import checks
from django.core.checks import CheckMessage
from django.db import DatabaseError, router
from django.db.models import Q, QuerySet

from api_guard import conf, grants


def check_permissions_of_users(
    app_configs: object = None, databases: Sequence[str] | None = None, **_: object
) -> list[CheckMessage]:
    """W083: no user who is not a superuser can become one."""
    del app_configs
    model = get_user_model()
    alias = router.db_for_write(model)
    if alias not in (databases or ()) or not hasattr(model, "is_superuser"):
        return []
    codename = f"change_{model._meta.model_name}"
    of_users = Q(content_type__app_label=model._meta.app_label, codename=codename)
    rows = Permission.objects.using(alias).filter(of_users)
    try:
        is_held = rows.filter(group__isnull=False).exists() or _are_held_by_users(rows)
    except DatabaseError:
        return []  # before the first migrate there are no tables
    if not is_held:
        return []
    permission = f"{model._meta.app_label}.{codename}"
    return [
        checks.Warning(
            f"A user who is not a superuser has the permission {permission!r}, and can become "
            "one on the page of users in Django's admin. A superuser can grant every scope.",
            hint="Remove it, or make is_superuser and user_permissions read-only in the form of "
            "that page: readonly_fields = ('is_superuser', 'user_permissions').",
            id="api_guard.W083",
        )
    ]


def _are_held_by_users(permissions: QuerySet[Permission]) -> bool:
    """Whether a user has one of these permissions. The field from users to them may have any name
    in the other direction, or none."""
    model = get_user_model()
    fields = [f for f in model._meta.many_to_many if f.remote_field.model is Permission]
    users = model._base_manager.using(permissions.db)
    return any(users.filter(**{f"{f.name}__in": permissions}).exists() for f in fields)


def check_everyone_group(
    app_configs: object = None, databases: Sequence[str] | None = None, **_: object
) -> list[CheckMessage]:
    """E085: the group of everyone holds no sensitive scope."""
    del app_configs
    everyone = conf.everyone_group()
    if everyone is None or grants.database() not in (databases or ()):
        return []
    rows = grants.live().filter(group__name=everyone, scope__in=conf.sensitive_scopes())
    try:
        found = sorted(rows.order_by().values_list("scope", flat=True))
    except DatabaseError:
        return []  # before the first migrate there are no tables
    return [
        checks.Error(
            f"The group {everyone!r} of API_GUARD['EVERYONE_GROUP'] holds {scope!r}, which is "
            "sensitive: only its members have this scope, not everyone.",
            hint=f"Revoke it: manage.py guard_revoke --group {everyone} --scope {scope}. Or name "
            "another group in EVERYONE_GROUP.",
            id="api_guard.E085",
        )
        for scope in found
    ]


def check_bundles(
    app_configs: object = None, databases: Sequence[str] | None = None, **_: object
) -> list[CheckMessage]:
    """W089: what each bundle opens was applied as the settings say."""
    del app_configs
    if grants.database() not in (databases or ()):
        return []
    try:
        found = grants.unpinned()
    except DatabaseError:
        return []  # before the first migrate there are no tables
    return [
        checks.Warning(
            f"A bundle in the settings differs from what was applied: {change}. What is not "
            "applied opens nothing.",
            hint="Apply it: manage.py guard_sync --bundles --apply.",
            id="api_guard.W089",
        )
        for change in found
    ]
