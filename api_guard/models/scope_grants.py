"""A scope given to a user, a group or a client."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.conf import settings
from django.contrib.auth.models import Group
from django.core.exceptions import ValidationError
from django.db import models, router
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from oauth2_provider.settings import oauth2_settings

from api_guard import conf
from api_guard.core.names import did_you_mean
from api_guard.core.scopes import MAX_SCOPE_LENGTH
from api_guard.models.cascading import cascade
from api_guard.models.grantees import GRANTEES, Held, one_grantee
from api_guard.models.recorded import RecordedQuerySet, refuse_unrecorded
from api_guard.models.used import Used


def validate_scope(name: str) -> None:
    """Raise ValidationError unless `name` is a declared scope, or a bundle such as `@editor`."""
    declared = conf.grantable()
    if name not in declared:
        raise ValidationError(
            _("%(name)r is not declared in API_GUARD['SCOPES'].%(hint)s"),
            code="unknown_scope",
            params={"name": name, "hint": did_you_mean(name, declared)},
        )


def is_past(moment: datetime, now: datetime) -> bool:
    """Whether `moment` is past at `now`. True if one of them is naive and one is aware."""
    try:
        return moment <= now
    except TypeError:
        return True


class ScopeGrant(Used, Held):
    """A scope given to a user, a group or a client until it expires or is revoked.

    Write it with `api_guard.grants`. A revoked grant cannot be changed.
    """

    scope = models.CharField(_("scope"), max_length=MAX_SCOPE_LENGTH, validators=[validate_scope])
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=cascade,
        null=True,
        blank=True,
        db_index=False,  # the unique constraint begins with it
        related_name="scope_grants",
        verbose_name=_("user"),
    )
    group = models.ForeignKey(
        Group,
        on_delete=cascade,
        null=True,
        blank=True,
        db_index=False,  # the unique constraint begins with it
        related_name="scope_grants",
        verbose_name=_("group"),
    )
    client = models.ForeignKey(
        oauth2_settings.APPLICATION_MODEL,
        on_delete=cascade,
        null=True,
        blank=True,
        db_index=False,  # the unique constraint begins with it
        related_name="scope_grants",
        verbose_name=_("client"),
    )
    granted_at = models.DateTimeField(_("granted at"), default=timezone.now, editable=False)
    granted_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        editable=False,
        related_name="+",
        verbose_name=_("granted by"),
    )
    reason = models.CharField(_("reason"), max_length=500, blank=True)
    expires_at = models.DateTimeField(
        _("expires at"), null=True, blank=True, help_text=_("Leave empty for no expiry.")
    )
    revoked_at = models.DateTimeField(_("revoked at"), null=True, blank=True, editable=False)
    revoked_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        editable=False,
        related_name="+",
        verbose_name=_("revoked by"),
    )
    revoked_reason = models.CharField(
        _("reason of revocation"), max_length=500, blank=True, editable=False
    )
    kept_until = models.DateTimeField(_("kept until"), null=True, blank=True, editable=False)
    is_break_glass = models.BooleanField(
        _("break-glass"),
        default=False,
        db_default=False,  # old processes that run during a deployment do not know this column
        editable=False,
        help_text=_("The grantee granted it to itself, for at most one hour."),
    )
    # Null is not equal to null, so the unique constraints apply only to unrevoked grants. The
    # column is stored, because PostgreSQL before 18 has only stored generated columns, and MySQL
    # and MariaDB need one for an index.
    live = models.GeneratedField(
        expression=models.Case(
            models.When(revoked_at__isnull=True, then=models.Value(1)), default=models.Value(None)
        ),
        output_field=models.SmallIntegerField(null=True),
        db_persist=True,
        verbose_name=_("unrevoked"),
    )

    objects = RecordedQuerySet.as_manager()

    class Meta:
        base_manager_name = "objects"
        verbose_name = _("scope grant")
        verbose_name_plural = _("scope grants")
        permissions = [("grant_any_scope", _("Can grant every scope and decide who manages which"))]
        ordering = ["-granted_at", "-pk"]
        constraints = [
            one_grantee("api_guard_exactly_one_grantee"),
            # Every request reads the unrevoked grants of its grantees from these three indexes.
            # They have no condition, because MySQL and MariaDB would ignore it.
            *(
                models.UniqueConstraint(
                    fields=[grantee, "live", "scope"],
                    name=f"api_guard_one_live_grant_per_{grantee}",
                    violation_error_code="already_granted",
                    violation_error_message=_("This grantee already has a grant of this scope."),
                )
                for grantee in GRANTEES
            ),
        ]
        # For the lists of the admin: all grants, the grants of one scope, and the live, expired or
        # revoked grants.
        indexes = [
            models.Index(fields=["-granted_at", "-id"], name="api_guard_grants"),
            models.Index(fields=["scope", "-granted_at", "-id"], name="api_guard_grants_of_scope"),
            models.Index(fields=["live", "-granted_at", "-id"], name="api_guard_grants_live"),
            models.Index(fields=["live", "-expires_at", "-id"], name="api_guard_grants_expired"),
            models.Index(fields=["-revoked_at", "-id"], name="api_guard_grants_revoked"),
        ]

    def __str__(self) -> str:
        return self.for_grantee(self.scope)

    # Any: Django's own signature.
    def save(self, *args: Any, **kwargs: Any) -> None:
        """Validate and save, so that the rules of the admin also apply in a shell."""
        # The scope of an old grant may no longer be in the settings. The grant can still be saved.
        self.full_clean(exclude=None if self._state.adding else ["scope"])
        super().save(*args, **kwargs)

    # Any: Django's own signature.
    def delete(self, *args: Any, **kwargs: Any) -> tuple[int, dict[str, int]]:
        """Delete the row if the ledger records it. To end a grant, revoke it instead."""
        refuse_unrecorded()
        return super().delete(*args, **kwargs)

    def is_live(self, now: datetime | None = None) -> bool:
        """Whether the grant is in force at `now`: neither revoked nor expired."""
        if self.revoked_at is not None:
            return False
        return self.expires_at is None or not is_past(self.expires_at, now or timezone.now())

    def clean(self) -> None:
        """Refuse a write without a record, a change of a revoked grant, and a past expiry."""
        refuse_unrecorded()
        if self._state.adding:
            if self.expires_at is not None and is_past(self.expires_at, timezone.now()):
                flaw = ValidationError(_("This expiry is in the past."), code="past")
                raise ValidationError({"expires_at": flaw})
        elif self._is_stored_as_revoked():
            raise ValidationError(
                _("A revoked grant cannot be changed. Grant the scope again."),
                code="already_revoked",
            )

    def _is_stored_as_revoked(self) -> bool:
        # A replica may be behind.
        stored = type(self)._base_manager.using(router.db_for_write(type(self), instance=self))
        return stored.filter(pk=self.pk, revoked_at__isnull=False).exists()
