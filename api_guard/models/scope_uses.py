"""When grants were last used, and since when their use is recorded."""

from __future__ import annotations

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from api_guard.models.scope_grants import ScopeGrant


class ScopeUse(models.Model):
    """The last use of a grant: when it last let a request in.

    A table of its own, so that a request never writes to the table of grants.
    """

    grant = models.OneToOneField(
        ScopeGrant,
        on_delete=models.CASCADE,
        primary_key=True,
        related_name="use",
        verbose_name=_("grant"),
    )
    last_used_at = models.DateTimeField(_("last used at"), db_index=True)

    class Meta:
        verbose_name = _("use of a grant")
        verbose_name_plural = _("uses of grants")
        default_permissions = ("view",)

    def __str__(self) -> str:
        return f"grant {self.pk} at {self.last_used_at}"


class ScopeUseTracking(models.Model):
    """Since when the use of grants is recorded without a gap: one row, with the key 1.

    A process that records uses moves `seen_at` forward. After a gap, `since` begins again.
    """

    since = models.DateTimeField(_("since"), default=timezone.now)
    seen_at = models.DateTimeField(_("last recorded at"), default=timezone.now)

    class Meta:
        verbose_name = _("recording of uses")
        verbose_name_plural = _("recording of uses")
        default_permissions = ()

    def __str__(self) -> str:
        return f"from {self.since} to {self.seen_at}"
