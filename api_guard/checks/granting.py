"""Checks of ways other than a grant by which a user can get access."""

from __future__ import annotations

from collections.abc import Sequence

from django.contrib.auth import get_user_model
from django.contrib.auth.models import Permission
from django.core import checks
from django.core.checks import CheckMessage, Error
from django.db import DatabaseError, router
from django.db.models import Q

from api_guard import conf, grants


def check_permissions_of_users(
    app_configs: object = None, databases: Sequence[str] | None = None, **_: object
) -> list[CheckMessage]:
    """W083: no user who is not a superuser can become one."""
    del app_configs
    model = get_user_model()
    alias = router.db_for_write(model)
    if alias not in (databases or ()):
        return []
    codename = f"change_{model._meta.model_name}"
    of_users = Q(content_type__app_label=model._meta.app_label, codename=codename)
    rows = Permission.objects.using(alias).filter(of_users)
    held = rows.exclude(user__isnull=True, group__isnull=True)
    try:
        is_held = held.exists()
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


def check_everyone(
    app_configs: object = None, databases: Sequence[str] | None = None, **_: object
) -> list[CheckMessage]:
    """E084: everyone's group holds no sensitive scope."""
    del app_configs
    everyone, sensitive = conf.everyone_group(), conf.sensitive_among(None)
    if everyone is None or not sensitive or grants.database() not in (databases or ()):
        return []
    rows = grants.live().filter(group__name=everyone, scope__in=sensitive).order_by("scope")
    try:
        held = list(rows.values_list("scope", flat=True))
    except DatabaseError:
        return []  # before the first migrate there are no tables
    return [
        Error(
            f"The group {everyone!r} of API_GUARD['EVERYONE_GROUP'] holds the sensitive scope "
            f"{name!r}. Only the members of the group get it, not everyone.",
            hint=f"manage.py guard_revoke --group {everyone} --grants, or name another group.",
            id="api_guard.E084",
        )
        for name in held
    ]
