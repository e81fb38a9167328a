"""Checks of ways other than a grant by which a user can get access."""

from __future__ import annotations

from collections.abc import Sequence

from django.contrib.auth import get_user_model
from django.contrib.auth.models import Permission
from django.core import checks
from django.core.checks import CheckMessage
from django.db import DatabaseError, router
from django.db.models import Q


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
