"""Redeemed authorization codes, and the tokens that were issued for them."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _
from oauth2_provider.settings import oauth2_settings


class RedeemedCode(models.Model):
    """The tokens of a code, so that a second use of the code revokes them (RFC 6749 §4.1.2).

    The row points to the newest refresh token, or to the access token if no refresh token was
    issued. It is deleted with that token.
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
        verbose_name_plural = _("redeemed codes")

    def __str__(self) -> str:
        return f"code {self.code_checksum[:8]}…"
