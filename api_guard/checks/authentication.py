"""Checks of who is believed to be whom."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Any

from django.conf import settings
from django.core import checks
from django.core.checks import CheckMessage, Error
from django.urls import NoReverseMatch, reverse
from rest_framework.settings import api_settings

from api_guard import conf
from api_guard.authentication import OAuth2Authentication
from api_guard.callers import ScopedAuthentication, is_unscoped
from api_guard.endpoints import dotted_path, initkwarg, routes

# They put the user of a token on the request as if it had come in person.
_PLAIN_USERS = {
    "MIDDLEWARE": "oauth2_provider.middleware.OAuth2TokenMiddleware",
    "AUTHENTICATION_BACKENDS": "oauth2_provider.backends.OAuth2Backend",
}


def check_authentication(app_configs: object = None, **_: object) -> list[CheckMessage]:
    """E006, E023: every authenticator says scopes or is listed, and bearer tokens are read."""
    del app_configs
    default: Any = api_settings.DEFAULT_AUTHENTICATION_CLASSES
    silent: dict[type, str] = {}
    for place, classes in _authenticators():
        for cls in classes:
            if not is_unscoped(cls) and not issubclass(cls, ScopedAuthentication):
                silent.setdefault(cls, place)
    found: list[CheckMessage] = [
        Error(
            f"{dotted_path(cls)}, in {place}, says no scopes: its callers hold none.",
            hint=_hint(cls),
            id="api_guard.E006",
        )
        for cls, place in silent.items()
    ]
    if not any(issubclass(cls, ScopedAuthentication) for cls in default):
        names = [dotted_path(OAuth2Authentication), *(dotted_path(cls) for cls in default)]
        listed = json.dumps(names)
        found.append(
            Error(
                "REST_FRAMEWORK['DEFAULT_AUTHENTICATION_CLASSES'] reads no access tokens.",
                hint=f'REST_FRAMEWORK = {{"DEFAULT_AUTHENTICATION_CLASSES": {listed}, ...}}',
                id="api_guard.E023",
            )
        )
    return found


def _authenticators() -> Iterator[tuple[str, Iterable[type]]]:
    default: Any = api_settings.DEFAULT_AUTHENTICATION_CLASSES
    yield "REST_FRAMEWORK['DEFAULT_AUTHENTICATION_CLASSES']", default
    for route in routes():
        cls = route.view_class
        if cls is not None:
            yield dotted_path(cls), initkwarg(route.callback, cls, "authentication_classes")


def _hint(cls: type) -> str:
    if cls.__name__ == OAuth2Authentication.__name__:
        return f"Use {dotted_path(OAuth2Authentication)} in its place."
    listed = [*sorted(conf.unscoped_authentication()), dotted_path(cls)]
    return (
        "Where it is a token, give it token_scopes(auth) and token_client(auth); where it stands "
        "for a user in person, "
        f'API_GUARD = {{"UNSCOPED_AUTHENTICATION": {json.dumps(listed)}, ...}}.'
    )


def check_plain_users(app_configs: object = None, **_: object) -> list[CheckMessage]:
    """E017: nothing makes a plain user of a token."""
    del app_configs
    return [
        Error(
            f"{path} in {name} makes a plain user of whoever presents a token.",
            hint=f"Remove it; {dotted_path(OAuth2Authentication)} reads tokens.",
            id="api_guard.E017",
        )
        for name, path in _PLAIN_USERS.items()
        if path in (getattr(settings, name, None) or ())
    ]


def check_toolkit(app_configs: object = None, **_: object) -> list[CheckMessage]:
    """E007, W025, W026: the toolkit issues only granted scopes, to clients of your choosing."""
    del app_configs
    found: list[CheckMessage] = []
    values = getattr(settings, "OAUTH2_PROVIDER", None) or {}
    if values.get("SCOPES_BACKEND_CLASS") != "api_guard.oauth2.GrantedScopes":
        text = (
            "OAUTH2_PROVIDER['SCOPES_BACKEND_CLASS'] is not GrantedScopes, so that a client may "
            "ask for scopes that were never granted to it."
        )
        hint = 'OAUTH2_PROVIDER = {"SCOPES_BACKEND_CLASS": "api_guard.oauth2.GrantedScopes"}'
        found.append(Error(text, hint=hint, id="api_guard.E007"))
    if _is_routed("oauth2_provider:register"):
        text = "Any user may register a client, at oauth2_provider's own URLs."
        hint = 'path("o/", include("api_guard.oauth2.urls"))'
        found.append(checks.Warning(text, hint=hint, id="api_guard.W025"))
    if not _is_routed("oauth2_provider:token"):
        text = "No route leads to the authorization server, so that no client gets a token here."
        hint = (
            'path("o/", include("api_guard.oauth2.urls")), or SILENCED_SYSTEM_CHECKS = '
            '["api_guard.W026"] where tokens come from another site.'
        )
        found.append(checks.Warning(text, hint=hint, id="api_guard.W026"))
    return found


def _is_routed(name: str) -> bool:
    try:
        reverse(name)
    except NoReverseMatch:
        return False
    return True
