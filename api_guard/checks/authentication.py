"""Checks of who is believed to be whom."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error
from rest_framework.settings import api_settings

from api_guard import conf
from api_guard.access.callers import ScopedAuthentication, is_unscoped
from api_guard.access.endpoints import dotted_path, initkwarg, routes
from api_guard.authentication import OAuth2Authentication

# The name by which a project writes it.
_OURS = "api_guard.authentication.OAuth2Authentication"
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
    for place, classes in authenticators():
        for cls in classes:
            if _is_silent(cls):
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
        # What E006 speaks of is no part of the line, and comes back once it is put right.
        kept = [dotted_path(cls) for cls in default if not _is_silent(cls)]
        listed = json.dumps([_OURS, *kept])
        found.append(
            Error(
                "REST_FRAMEWORK['DEFAULT_AUTHENTICATION_CLASSES'] reads no access tokens.",
                hint=f'REST_FRAMEWORK = {{"DEFAULT_AUTHENTICATION_CLASSES": {listed}, ...}}',
                id="api_guard.E023",
            )
        )
    return found


def _is_silent(cls: type) -> bool:
    return not is_unscoped(cls) and not issubclass(cls, ScopedAuthentication)


def authenticators() -> Iterator[tuple[str, Iterable[type]]]:
    """Yield every place that names authenticators, and what it names."""
    default: Any = api_settings.DEFAULT_AUTHENTICATION_CLASSES
    yield "REST_FRAMEWORK['DEFAULT_AUTHENTICATION_CLASSES']", default
    for route in routes():
        cls = route.view_class
        if cls is not None:
            yield dotted_path(cls), initkwarg(route.callback, cls, "authentication_classes")


def _hint(cls: type) -> str:
    if cls.__name__ == OAuth2Authentication.__name__:
        return f"Use {_OURS} in its place."
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
            hint=f"Remove it; {_OURS} reads tokens.",
            id="api_guard.E017",
        )
        for name, path in _PLAIN_USERS.items()
        if path in (getattr(settings, name, None) or ())
    ]
