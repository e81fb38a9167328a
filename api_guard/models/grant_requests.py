"""A request for a grant, which other users have to approve."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.contrib.auth.models import Group
from django.core.exceptions import ValidationError
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from oauth2_provider.settings import oauth2_settings

from api_guard.core.scopes import MAX_SCOPE_LENGTH
from api_guard.models.cascading import cascade
from api_guard.models.grantees import GRANTEES, Held, one_grantee
from api_guard.models.recorded import RecordedQuerySet, refuse_unrecorded
from api_guard.models.scope_grants import validate_scope


class GrantRequest(Held):
    """A request to grant a scope to a user, a group or a client.

    It is open until it is decided, withdrawn or too old. What it asks for never changes. Write it
    with `api_guard.grants`.
    """

    class Outcome(models.TextChoices):
        """How the request ended."""

        OPEN = "", _("open")
        GRANTED = "granted", _("granted")
        DECLINED = "declined", _("declined")
        WITHDRAWN = "withdrawn", _("withdrawn")
        EXPIRED = "expired", _("expired")

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
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        editable=False,
        related_name="+",
        verbose_name=_("decided by"),
    )
    decision_reason = models.CharField(
        _("reason of the decision"),
        max_length=500,
        blank=True,
        # Old processes that run during a deployment do not know this column.
        db_default="",
        default="",
        editable=False,
    )
    # Null is not equal to null, so the unique constraints apply only to open requests. A request
    # that is too old counts until the same is asked for again.
    undecided = models.GeneratedField(
        expression=models.Case(
            models.When(outcome="", then=models.Value(1)), default=models.Value(None)
        ),
        output_field=models.SmallIntegerField(null=True),
        db_persist=True,
        verbose_name=_("undecided"),
    )

    objects = RecordedQuerySet.as_manager()

    class Meta:
        base_manager_name = "objects"
        verbose_name = _("grant request")
        verbose_name_plural = _("grant requests")
        ordering = ["-pk"]
        constraints = [
            one_grantee("api_guard_request_for_one_grantee"),
            *(
                models.UniqueConstraint(
                    fields=[grantee, "undecided", "scope"],
                    name=f"api_guard_one_open_request_per_{grantee}",
                    violation_error_code="already_asked",
                    violation_error_message=_("An open request asks for the same already."),
                )
                for grantee in GRANTEES
            ),
        ]
        indexes = [
            models.Index(fields=["outcome", "-id"], name="api_guard_requests"),
        ]

    def __str__(self) -> str:
        return self.for_grantee(self.scope)

    def clean(self) -> None:
        """Refuse a write that the ledger does not record, and every change of a stored request."""
        refuse_unrecorded()
        if not self._state.adding:
            raise ValidationError(
                _("A request cannot be changed. Withdraw it, and ask again."), code="immutable"
            )

    # Any: Django's own signature.
    def save(self, *args: Any, **kwargs: Any) -> None:
        """Validate and save, so that the rules of the admin also apply in a shell."""
        self.full_clean()
        super().save(*args, **kwargs)

    # Any: Django's own signature.
    def delete(self, *args: Any, **kwargs: Any) -> tuple[int, dict[str, int]]:
        """Delete the row if the ledger records it. To close a request, decline it."""
        refuse_unrecorded()
        return super().delete(*args, **kwargs)
