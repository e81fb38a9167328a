"""A limit for a user, a group or a client that replaces the limit in code."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.contrib.auth.models import Group
from django.core.validators import MinValueValidator
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from oauth2_provider.settings import oauth2_settings

from api_guard.models.cascading import cascade
from api_guard.models.grantees import GRANTEES, Held, one_grantee
from api_guard.models.recorded import SavedWithRecord, SignalledQuerySet


class RateOverride(Held, SavedWithRecord):
    """Another limit for one rate, until the row expires or is deleted.

    `name` identifies the rate: `budget:search/m`, `budget:api/h` for the ceiling, or
    `view:notes.views.NoteViewSet/d`. If several overrides apply to a caller, the largest counts.
    """

    name = models.CharField(_("rate"), max_length=500)
    limit = models.PositiveIntegerField(_("limit"), validators=[MinValueValidator(1)])
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=cascade,
        null=True,
        blank=True,
        db_index=False,  # the unique constraint begins with it
        related_name="rate_overrides",
        verbose_name=_("user"),
    )
    group = models.ForeignKey(
        Group,
        on_delete=cascade,
        null=True,
        blank=True,
        db_index=False,  # the unique constraint begins with it
        related_name="rate_overrides",
        verbose_name=_("group"),
    )
    client = models.ForeignKey(
        oauth2_settings.APPLICATION_MODEL,
        on_delete=cascade,
        null=True,
        blank=True,
        db_index=False,  # the unique constraint begins with it
        related_name="rate_overrides",
        verbose_name=_("client"),
    )
    reason = models.CharField(_("reason"), max_length=500, blank=True)
    created_at = models.DateTimeField(_("created at"), default=timezone.now, editable=False)
    expires_at = models.DateTimeField(
        _("expires at"), null=True, blank=True, help_text=_("Leave empty for no expiry.")
    )

    objects = SignalledQuerySet.as_manager()

    class Meta:
        base_manager_name = "objects"
        verbose_name = _("rate override")
        verbose_name_plural = _("rate overrides")
        ordering = ["name", "-limit"]
        # The list of the admin.
        indexes = [models.Index(fields=["name", "-limit", "-id"], name="api_guard_overrides")]
        constraints = [
            one_grantee("api_guard_override_of_one_grantee"),
            models.CheckConstraint(
                condition=Q(limit__gte=1),
                name="api_guard_override_admits_somebody",
                violation_error_message=_("A limit must allow at least one request."),
            ),
            # The indexes that the request path reads.
            *(
                models.UniqueConstraint(
                    fields=[grantee, "name"],
                    name=f"api_guard_one_override_per_{grantee}",
                    violation_error_code="already_overridden",
                    violation_error_message=_("This grantee already has an override of this rate."),
                )
                for grantee in GRANTEES
            ),
        ]

    def __str__(self) -> str:
        rate, _slash, period = self.name.rpartition("/")
        return self.for_grantee(f"{rate} {self.limit}/{period}")

    # Any: Django's own signature.
    def save(self, *args: Any, **kwargs: Any) -> None:
        """Validate and save, so that the rules of the admin also apply in a shell."""
        self.full_clean()
        super().save(*args, **kwargs)
