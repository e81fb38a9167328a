"""A review of grants: which grants it covers, and the decision about each."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import models, router
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from api_guard.core.scopes import MAX_SCOPE_LENGTH
from api_guard.models.recorded import RecordedQuerySet, refuse_unrecorded
from api_guard.models.scope_grants import ScopeGrant


class ReviewRow(models.Model):
    """A row that `api_guard.reviews` writes, because it records it."""

    objects = RecordedQuerySet.as_manager()

    class Meta:
        abstract = True
        base_manager_name = "objects"

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


class AccessReview(ReviewRow):
    """A task for one reviewer: to decide, before a date, which of some grants stay.

    It covers the grants of a scope, of a group of scopes, or of all scopes, and of one kind of
    grantee or of all. They are fixed when it opens; `digest` covers their list.
    """

    title = models.CharField(_("title"), max_length=200)
    scope = models.CharField(_("scope"), max_length=MAX_SCOPE_LENGTH, blank=True)
    scope_group = models.CharField(_("group of scopes"), max_length=150, blank=True)
    grantee_kind = models.CharField(_("kind of grantee"), max_length=10, blank=True)
    reviewer = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.SET_NULL,
        null=True,
        related_name="access_reviews",
        verbose_name=_("reviewer"),
    )
    due_at = models.DateTimeField(_("due at"))
    opened_at = models.DateTimeField(_("opened at"), default=timezone.now, editable=False)
    opened_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.SET_NULL,
        null=True,
        editable=False,
        related_name="+",
        verbose_name=_("opened by"),
    )
    closed_at = models.DateTimeField(_("closed at"), null=True, editable=False)
    grants = models.PositiveBigIntegerField(_("number of grants"), editable=False)
    digest = models.CharField(_("digest"), max_length=64, editable=False)

    class Meta(ReviewRow.Meta):
        verbose_name = _("access review")
        verbose_name_plural = _("access reviews")
        ordering = ["-pk"]
        indexes = [models.Index(fields=["reviewer", "closed_at"], name="api_guard_reviews")]

    def __str__(self) -> str:
        return self.title

    @property
    def covers(self) -> str:
        """What it covers, in words."""
        what = self.scope or (f"the group {self.scope_group}" if self.scope_group else "all scopes")
        return f"{what} of each {self.grantee_kind}" if self.grantee_kind else what


class ReviewedGrant(ReviewRow):
    """A grant in a review, and the decision about it, which cannot be changed.

    The row stays when the grant is deleted: `scope` and `grantee` (`user:7`) tell what it was.
    """

    class Decision(models.TextChoices):
        """What was decided."""

        NONE = "", _("not decided")
        KEEP = "keep", _("keep")
        REVOKE = "revoke", _("revoke")

    review = models.ForeignKey(
        AccessReview,
        on_delete=models.CASCADE,
        db_index=False,  # the unique constraint begins with it
        related_name="items",
        verbose_name=_("review"),
    )
    grant = models.ForeignKey(
        ScopeGrant,
        on_delete=models.DO_NOTHING,
        null=True,
        db_constraint=False,  # the number stays when the grant is deleted
        related_name="reviewed",
        verbose_name=_("grant"),
    )
    scope = models.CharField(_("scope"), max_length=MAX_SCOPE_LENGTH)
    grantee = models.CharField(_("grantee"), max_length=200)
    decision = models.CharField(
        _("decision"), max_length=10, choices=Decision.choices, default=Decision.NONE, blank=True
    )
    keep_until = models.DateTimeField(_("keep until"), null=True)
    reason = models.CharField(_("reason"), max_length=500, blank=True)
    decided_at = models.DateTimeField(_("decided at"), null=True)
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.SET_NULL,
        null=True,
        related_name="+",
        verbose_name=_("decided by"),
    )
    last_used_at = models.DateTimeField(_("last use, when it was decided"), null=True)

    class Meta(ReviewRow.Meta):
        verbose_name = _("grant in a review")
        verbose_name_plural = _("grants in a review")
        ordering = ["review", "grant_id"]
        constraints = [
            models.UniqueConstraint(
                fields=["review", "grant"], name="api_guard_one_decision_per_grant"
            )
        ]
        indexes = [models.Index(fields=["review", "decision", "id"], name="api_guard_reviewed")]

    def __str__(self) -> str:
        return f"{self.scope} for {self.grantee}"

    # Any: Django's own signature.
    def save(self, *args: Any, **kwargs: Any) -> None:
        """Save the row if the ledger records it and nothing was decided."""
        using = router.db_for_write(type(self), instance=self)
        stored = type(self)._base_manager.using(using).filter(pk=self.pk).exclude(decision="")
        if not self._state.adding and stored.exists():
            raise ValidationError(_("A decision cannot be changed."), code="already_decided")
        super().save(*args, **kwargs)
