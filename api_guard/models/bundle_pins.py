"""What a bundle opens, as somebody has applied it."""

from __future__ import annotations

from typing import Any

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from api_guard.core.scopes import MAX_SCOPE_LENGTH
from api_guard.models.recorded import RecordedQuerySet, refuse_unrecorded


class BundlePin(models.Model):
    """The scopes that a bundle, such as `@editor`, opens at most.

    A request gets the scopes that are both here and in the settings, so that a deploy never gives
    access by itself. Write it with `api_guard.grants`.
    """

    bundle = models.CharField(_("bundle"), max_length=MAX_SCOPE_LENGTH, unique=True)
    scopes = models.TextField(_("scopes"), help_text=_("Sorted, with a space between them."))
    pinned_at = models.DateTimeField(_("pinned at"), default=timezone.now, editable=False)

    objects = RecordedQuerySet.as_manager()

    class Meta:
        base_manager_name = "objects"
        verbose_name = _("bundle pin")
        verbose_name_plural = _("bundle pins")
        ordering = ["bundle"]

    def __str__(self) -> str:
        return f"{self.bundle}: {self.scopes}"

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
