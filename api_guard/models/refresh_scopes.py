"""What a refresh token stands for, where that is more than its access token carries."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _
from oauth2_provider.settings import oauth2_settings


class RefreshScope(models.Model):
    """The scopes that were consented to, of which an access token got fewer.

    django-oauth-toolkit keeps the scopes of a refresh token on its access token, so that what one
    refresh narrows would be lost to the next (RFC 6749 §6 keeps the refresh token whole).
    """

    refresh_token = models.OneToOneField(
        oauth2_settings.REFRESH_TOKEN_MODEL,
        on_delete=models.CASCADE,
        related_name="+",
        verbose_name=_("refresh token"),
    )
    scope = models.TextField(_("scope"))

    class Meta:
        verbose_name = _("scope of a refresh token")
        verbose_name_plural = _("scopes of refresh tokens")

    def __str__(self) -> str:
        return f"{self.scope} for refresh token {self.refresh_token_id}"
