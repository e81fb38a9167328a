"""The scopes backend: a client can ask only for scopes that are granted to it."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _
from oauth2_provider.settings import oauth2_settings

from api_guard import conf, grants
from api_guard.core.scopes import PROTOCOL_SCOPES
from api_guard.oauth2.toolkit import BaseScopes

_PROTOCOL_DESCRIPTIONS = {
    "openid": _("Sign you in"),
    "profile": _("See your name"),
    "email": _("See your e-mail address"),
    "address": _("See your postal address"),
    "phone": _("See your telephone number"),
    "offline_access": _("Act for you while you are away"),
}


class GrantedScopes(BaseScopes):  # type: ignore[misc]  # django-oauth-toolkit ships no types
    """For `OAUTH2_PROVIDER["SCOPES_BACKEND_CLASS"]`.

    Every scope is declared in `API_GUARD["SCOPES"]`. A client may ask for the scopes granted to it.
    OpenID Connect's own scopes are issued to every client, and satisfy no requirement.
    """

    def get_all_scopes(self) -> dict[str, str]:
        """Return every declared scope with its description."""
        return {**_protocol_scopes(), **conf.scopes()}

    def get_available_scopes(
        self, application: object = None, request: object = None, *_: object, **__: object
    ) -> list[str]:
        """Return the scopes that `application` may ask for; all, without it and a request."""
        if application is None and request is None:
            return sorted(self.get_all_scopes())  # the server's metadata
        return sorted(_granted_to(application) | _protocol_scopes().keys())

    def get_default_scopes(
        self, application: object = None, request: object = None, *_: object, **__: object
    ) -> list[str]:
        """Return the scopes for a request without scopes: all that the client holds."""
        del request
        return sorted(_granted_to(application))


def _granted_to(application: object) -> frozenset[str]:
    client_id = getattr(application, "pk", None)
    if client_id is None:
        return frozenset()
    return grants.scopes_of_client(client_id) & conf.scopes().keys()


def _protocol_scopes() -> dict[str, str]:
    if oauth2_settings.OIDC_ENABLED is not True:
        return {}
    return {name: str(_PROTOCOL_DESCRIPTIONS[name]) for name in sorted(PROTOCOL_SCOPES)}
