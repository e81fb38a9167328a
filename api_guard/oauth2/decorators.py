"""django-oauth-toolkit's decorators for plain views, with the validator of the settings."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from oauth2_provider.settings import oauth2_settings

from api_guard.oauth2 import toolkit

View = Callable[..., Any]


def protected_resource(scopes: Sequence[str] = ()) -> Callable[[View], View]:
    """Protect a plain Django view: the token must carry all `scopes`, and they must be granted.

    django-oauth-toolkit's decorator with this name uses only its own validator. A refused request
    gets the challenge of RFC 6750.
    """
    return _with_our_validator(toolkit.protected_resource, scopes)


def rw_protected_resource(scopes: Sequence[str] = ()) -> Callable[[View], View]:
    """Like `protected_resource`, and also require the toolkit's read or write scope by method."""
    return _with_our_validator(toolkit.rw_protected_resource, scopes)


def _with_our_validator(decorator: Any, scopes: Sequence[str]) -> Callable[[View], View]:
    protect: Callable[[View], View] = decorator(
        scopes=list(scopes),
        validator_cls=oauth2_settings.OAUTH2_VALIDATOR_CLASS,
        server_cls=oauth2_settings.OAUTH2_SERVER_CLASS,
        advertise_metadata=True,
    )
    return protect
