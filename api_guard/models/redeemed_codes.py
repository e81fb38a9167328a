"""Authorization codes that were redeemed, and what was issued for them."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _
from oauth2_provider.settings import oauth2_settings


class RedeemedCode(models.Model):
    """What a code became, so that a second attempt at it ends that (RFC 6749 §4.1.2).

    It names the refresh token, the newest where that is rotated, or the access token where no
    refresh token came, and goes with it.
    """

    code_checksum = models.CharField(_("checksum of the code"), max_length=64, unique=True)
    code_challenge = models.CharField(_("code challenge"), max_length=128, blank=True)
    code_challenge_method = models.CharField(_("challenge method"), max_length=10, blank=True)
    access_token = models.ForeignKey(
        oauth2_settings.ACCESS_TOKEN_MODEL,
        on_delete=models.CASCADE,
        null=True,
        related_name="+",
        verbose_name=_("access token"),
    )
    refresh_token = models.ForeignKey(
        oauth2_settings.REFRESH_TOKEN_MODEL,
        on_delete=models.CASCADE,
        null=True,
        related_name="+",
        verbose_name=_("refresh token"),
    )

    class Meta:
        verbose_name = _("redeemed code")

    def __str__(self) -> str:
        return f"code {self.code_checksum[:8]}…"
