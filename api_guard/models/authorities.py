"""The scope groups that the members of a Django group may grant and revoke."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.models import Group
from django.core.exceptions import ValidationError
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from api_guard import conf
from api_guard.core.names import did_you_mean
from api_guard.core.scopes import EVERY_SCOPE
from api_guard.models.recorded import RecordedQuerySet, refuse_unrecorded


def validate_scope_group(name: str) -> None:
    """Raise ValidationError unless `name` is `*` or the group of a declared scope."""
    known = (EVERY_SCOPE, *conf.scope_groups())
    if name not in known:
        raise ValidationError(
            _("No scope in API_GUARD['SCOPES'] has the group %(name)r.%(hint)s"),
            code="unknown_scope_group",
            params={"name": name, "hint": did_you_mean(name, known)},
        )


class GrantAuthority(models.Model):
    """Lets the members of `group` grant and revoke the scopes of `scope_group`, or all (`*`).

    Write it with `api_guard.grants`.
    """

    group = models.ForeignKey(
        Group,
        on_delete=models.CASCADE,
        db_index=False,  # the unique constraint begins with it
        related_name="grant_authorities",
        verbose_name=_("group"),
    )
    scope_group = models.CharField(_("scopes"), max_length=150, validators=[validate_scope_group])
    reason = models.CharField(_("reason"), max_length=500, blank=True)
    created_at = models.DateTimeField(_("created at"), default=timezone.now, editable=False)

    objects = RecordedQuerySet.as_manager()

    class Meta:
        base_manager_name = "objects"
        verbose_name = _("grant authority")
        verbose_name_plural = _("grant authorities")
        ordering = ["group__name", "scope_group"]
        constraints = [
            models.UniqueConstraint(
                fields=["group", "scope_group"],
                name="api_guard_one_authority_per_group",
                violation_error_code="already_authorized",
                violation_error_message=_("This group may already grant these scopes."),
            )
        ]

    def __str__(self) -> str:
        if self.scope_group == EVERY_SCOPE:
            said = _("The members of %(group)s may grant and revoke every scope")
        else:
            said = _("The members of %(group)s may grant and revoke the scopes of %(scopes)s")
        return str(said % {"group": self.group, "scopes": self.scope_group})

    # Any: Django's own signature.
    def save(self, *args: Any, **kwargs: Any) -> None:
        """Validate and save, so that the rules of the admin also apply in a shell."""
        self.full_clean()
        super().save(*args, **kwargs)

    def delete(self, *args: Any, **kwargs: Any) -> tuple[int, dict[str, int]]:
        """Delete the row if the ledger records it."""
        refuse_unrecorded()
        return super().delete(*args, **kwargs)

    def clean(self) -> None:
        """Refuse a write that the ledger does not record."""
        refuse_unrecorded()
