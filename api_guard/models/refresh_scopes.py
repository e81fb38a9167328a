"""The scopes of a refresh token, if its access token has fewer."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _
from oauth2_provider.settings import oauth2_settings


class RefreshScope(models.Model):
    """All scopes that the user consented to. The access token has fewer.

    django-oauth-toolkit stores the scopes of a refresh token on its access token. A refresh for
    fewer scopes would lose the others for all later refreshes, against RFC 6749 §6.
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
