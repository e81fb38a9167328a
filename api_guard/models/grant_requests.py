"""A request for a grant, which other users have to approve."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.contrib.auth.models import Group
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from oauth2_provider.settings import oauth2_settings

from api_guard.core.scopes import MAX_SCOPE_LENGTH
from api_guard.models.cascading import cascade
from api_guard.models.grantees import Held, of_one_grantee
from api_guard.models.recorded import RecordedQuerySet, refuse_unrecorded
from api_guard.models.scope_grants import validate_scope


class GrantRequest(Held):
    """A request to grant a scope to a user, a group or a client.

    It is open until it is granted or declined. Write it with `api_guard.grants`.
    """

    class Outcome(models.TextChoices):
        """How the request ended."""

        OPEN = "", _("open")
        GRANTED = "granted", _("granted")
        DECLINED = "declined", _("declined")

    scope = models.CharField(_("scope"), max_length=MAX_SCOPE_LENGTH, validators=[validate_scope])
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=cascade,
        null=True,
        blank=True,
        related_name="grant_requests",
        verbose_name=_("user"),
    )
    group = models.ForeignKey(
        Group,
        on_delete=cascade,
        null=True,
        blank=True,
        related_name="grant_requests",
        verbose_name=_("group"),
    )
    client = models.ForeignKey(
        oauth2_settings.APPLICATION_MODEL,
        on_delete=cascade,
        null=True,
        blank=True,
        related_name="grant_requests",
        verbose_name=_("client"),
    )
    reason = models.CharField(_("reason"), max_length=500, blank=True)
    expires_at = models.DateTimeField(
        _("expires at"), null=True, blank=True, help_text=_("When the grant will expire.")
    )
    asked_at = models.DateTimeField(_("asked at"), default=timezone.now, editable=False)
    asked_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        editable=False,
        related_name="+",
        verbose_name=_("asked by"),
    )
    outcome = models.CharField(
        _("outcome"),
        max_length=10,
        choices=Outcome.choices,
        default=Outcome.OPEN,
        blank=True,
        editable=False,
    )
    decided_at = models.DateTimeField(_("decided at"), null=True, blank=True, editable=False)

    objects = RecordedQuerySet.as_manager()

    class Meta:
        base_manager_name = "objects"
        verbose_name = _("grant request")
        ordering = ["-pk"]
        constraints = [
            models.CheckConstraint(
                condition=of_one_grantee(),
                name="api_guard_request_for_one_grantee",
                violation_error_code="one_grantee",
                violation_error_message=_(
                    "Choose exactly one grantee: a user, a group or a client."
                ),
            )
        ]
        indexes = [
            models.Index(fields=["outcome", "-id"], name="api_guard_requests"),
        ]

    def __str__(self) -> str:
        return f"{self.scope} for {self.grantee_kind} {self.grantee}"

    def clean(self) -> None:
        """Refuse a write that the ledger does not record."""
        refuse_unrecorded()

    # Any: Django's own signature.
    def save(self, *args: Any, **kwargs: Any) -> None:
        """Validate and save, so that the rules of the admin also apply in a shell."""
        self.full_clean()
        super().save(*args, **kwargs)


class GrantApproval(models.Model):
    """The approval of a request by one user."""

    request = models.ForeignKey(
        GrantRequest,
        on_delete=models.CASCADE,
        db_index=False,  # the unique constraint begins with it
        related_name="approvals",
        verbose_name=_("request"),
    )
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.CASCADE,
        related_name="+",
        verbose_name=_("approved by"),
    )
    at = models.DateTimeField(_("approved at"), default=timezone.now, editable=False)

    objects = RecordedQuerySet.as_manager()

    class Meta:
        base_manager_name = "objects"
        verbose_name = _("grant approval")
        constraints = [
            models.UniqueConstraint(
                fields=["request", "by"], name="api_guard_one_approval_per_person"
            )
        ]

    def __str__(self) -> str:
        return f"{self.by} approves {self.request}"

    # Any: Django's own signature.
    def save(self, *args: Any, **kwargs: Any) -> None:
        """Save the row if the ledger records it."""
        refuse_unrecorded()
        super().save(*args, **kwargs)
