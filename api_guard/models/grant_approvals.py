"""The approval of a request for a grant by one user."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from api_guard.models.grant_requests import GrantRequest
from api_guard.models.recorded import RecordedQuerySet, refuse_unrecorded


class GrantApproval(models.Model):
    """The approval of a request by one user, perhaps with an earlier expiry."""

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
    expires_at = models.DateTimeField(
        _("shortened to"),
        null=True,
        blank=True,
        editable=False,
        help_text=_("Empty if the user approved the expiry that was asked for."),
    )

    objects = RecordedQuerySet.as_manager()

    class Meta:
        base_manager_name = "objects"
        verbose_name = _("grant approval")
        verbose_name_plural = _("grant approvals")
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

    # Any: Django's own signature.
    def delete(self, *args: Any, **kwargs: Any) -> tuple[int, dict[str, int]]:
        """Delete the row if the ledger records it."""
        refuse_unrecorded()
        return super().delete(*args, **kwargs)
