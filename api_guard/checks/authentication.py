"""Checks of the authenticators."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator

from django.conf import settings
from django.core.checks import CheckMessage, Error

from api_guard import conf
from api_guard.access.callers import ScopedAuthentication, is_unscoped
from api_guard.access.endpoints import (
    classes_of,
    default_classes,
    default_of,
    dotted_path,
    routes,
)
from api_guard.authentication import OAuth2Authentication

# The path that a project writes.
_OURS = "api_guard.authentication.OAuth2Authentication"
_DEFAULT = "DEFAULT_AUTHENTICATION_CLASSES"
# They treat the user of a token as a user who signed in.
_PLAIN_USERS = {
    "MIDDLEWARE": "oauth2_provider.middleware.OAuth2TokenMiddleware",
    "AUTHENTICATION_BACKENDS": "oauth2_provider.backends.OAuth2Backend",
}


def check_authentication(app_configs: object = None, **_: object) -> list[CheckMessage]:
    """E006, E023: authenticators report scopes or are listed, and one accepts bearer tokens."""
    del app_configs
    default = default_classes(_DEFAULT)
    silent: dict[type, str] = {}
    for place, classes in authenticators():
        for cls in classes:
            if _is_silent(cls):
                silent.setdefault(cls, place)
    found: list[CheckMessage] = [
        Error(
            f"{dotted_path(cls)}, in {place}, does not report scopes: its callers have no scopes.",
            hint=_hint(cls),
            id="api_guard.E006",
        )
        for cls, place in silent.items()
    ]
    # What a function makes is unknown, and may accept tokens.
    is_known = len(default) == len(default_of(_DEFAULT))
    is_scoped = any(issubclass(cls, ScopedAuthentication) for cls in default) or not is_known
    if conf.issues_tokens() and not is_scoped:
        # E006 says what the others need: without their line, their callers would be anonymous.
        kept = [dotted_path(cls) for cls in default if not _is_replaced(cls)]
        listed = json.dumps([_OURS, *kept])
        found.append(
            Error(
                "REST_FRAMEWORK['DEFAULT_AUTHENTICATION_CLASSES'] does not accept access tokens.",
                hint=f'REST_FRAMEWORK = {{"DEFAULT_AUTHENTICATION_CLASSES": {listed}, ...}}',
                id="api_guard.E023",
            )
        )
    return found


def _is_silent(cls: type) -> bool:
    return not is_unscoped(cls) and not issubclass(cls, ScopedAuthentication)


def _is_replaced(cls: type) -> bool:
    """Whether ours comes in its place, as for that of django-oauth-toolkit."""
    return cls.__name__ == OAuth2Authentication.__name__


def authenticators() -> Iterator[tuple[str, Iterable[type]]]:
    """Yield every place that lists authenticators, with its list."""
    yield f"REST_FRAMEWORK['{_DEFAULT}']", default_classes(_DEFAULT)
    for route in routes():
        cls = route.view_class
        if cls is not None:
            yield dotted_path(cls), classes_of(route.callback, cls, "authentication_classes")


def _hint(cls: type) -> str:
    if _is_replaced(cls):
        return f"Use {_OURS} instead."
    listed = [*sorted(conf.unscoped_authentication()), dotted_path(cls)]
    return (
        "If it reads tokens, add the methods token_scopes(auth) and token_client(auth). If it "
        "identifies a user directly, "
        f'API_GUARD = {{"UNSCOPED_AUTHENTICATION": {json.dumps(listed)}, ...}}.'
    )


def check_plain_users(app_configs: object = None, **_: object) -> list[CheckMessage]:
    """E017: nothing treats the user of a token as a user who signed in."""
    del app_configs
    return [
        Error(
            f"{path} in {name} treats the user of a token as a user who signed in.",
            hint=f"Remove it; {_OURS} accepts tokens.",
            id="api_guard.E017",
        )
        for name, path in _PLAIN_USERS.items()
        if path in (getattr(settings, name, None) or ())
    ]
