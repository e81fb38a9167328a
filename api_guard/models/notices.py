"""What people were told, so that nobody is told twice."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _


class Notice(models.Model):
    """One thing to tell. It belongs to the run that tells it; `sent_at` is set once it was told."""

    key = models.CharField(_("key"), max_length=200, unique=True)
    run = models.CharField(_("run"), max_length=32, db_index=True)
    claimed_at = models.DateTimeField(_("claimed at"))
    sent_at = models.DateTimeField(_("sent at"), null=True, blank=True, db_index=True)

    class Meta:
        verbose_name = _("notice")
        verbose_name_plural = _("notices")
        default_permissions = ()

    def __str__(self) -> str:
        return self.key
