"""Finds the user, the client and the credential of an authenticated request."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from typing import Any, Protocol, runtime_checkable

from django.db import models
from django.utils.module_loading import import_string
from rest_framework.request import ForcedAuthentication, Request

from api_guard import conf, tokens
from api_guard.core.caller import Standing
from api_guard.core.scopes import NO_SCOPES, Credential
from api_guard.models.grantees import user_model


@runtime_checkable
class ScopedAuthentication(Protocol):
    """An authenticator that reports the scopes of its credential."""

    def token_scopes(self, auth: Any) -> Iterable[str]:
        """Return the scopes that `request.auth` carries."""

    def token_client(self, auth: Any) -> object:
        """Return the primary key of the client that `request.auth` was issued to, or None."""


def identify(
    request: Request,
) -> tuple[models.Model | None, object, Credential, frozenset[str]]:
    """Return the user, the primary key of the client, the credential and the scopes it carries."""
    authenticator = request.successful_authenticator
    if authenticator is None:
        return None, None, Credential.NONE, NO_SCOPES
    user = _active_user(request)
    if user is None and getattr(request.user, "is_authenticated", False) is True:
        # An inactive user does not count as a user. Neither does an object of another model, such
        # as a device: its primary key is not the key of a user.
        return None, None, Credential.NONE, NO_SCOPES
    if isinstance(authenticator, ForcedAuthentication):
        return _identify_forced(request, user, authenticator)
    if is_unscoped(type(authenticator)):
        return user, None, Credential.UNSCOPED, NO_SCOPES
    if says_scopes(authenticator):
        scoped: Any = authenticator
        carried = frozenset(scoped.token_scopes(request.auth))
        client_id = scoped.token_client(request.auth)
        return user, client_id, kind_of_token(user, client_id, authenticator), carried
    return user, None, Credential.UNKNOWN, NO_SCOPES


def _identify_forced(
    request: Request, user: models.Model | None, authenticator: object
) -> tuple[models.Model | None, object, Credential, frozenset[str]]:
    """Identify the caller of `force_authenticate`: a user directly, or with an access token."""
    if request.auth is None:
        return user, None, Credential.UNSCOPED, NO_SCOPES
    scope = getattr(request.auth, "scope", None)
    client_id = getattr(request.auth, "application_id", None)
    carried = frozenset(scope.split()) if isinstance(scope, str) else NO_SCOPES
    return user, client_id, kind_of_token(user, client_id, authenticator), carried


def kind_of_token(
    user: models.Model | None, client_id: object, authenticator: object
) -> Credential:
    """Return PERSONAL for a token without a client, if the site accepts those; else TOKEN."""
    if client_id is not None or user is None or not conf.takes_clientless_tokens():
        return Credential.TOKEN
    is_personal = getattr(authenticator, "has_personal_tokens", True) is True
    # A deleted client must not turn its tokens into personal ones, which may do more.
    is_personal = is_personal and tokens.keep_their_client()
    return Credential.PERSONAL if is_personal else Credential.TOKEN


def is_unscoped(authenticator: type) -> bool:
    """Whether an authenticator is listed in `API_GUARD["UNSCOPED_AUTHENTICATION"]`."""
    return _is_listed(authenticator, conf.unscoped_authentication())


@lru_cache(maxsize=256)
def _is_listed(authenticator: type, listed: frozenset[str]) -> bool:
    path = f"{authenticator.__module__}.{authenticator.__qualname__}"
    # A class may be listed by the name under which its package exports it.
    return path in listed or any(_resolves_to(name, authenticator) for name in listed)


def says_scopes(authenticator: Any) -> bool:
    """Whether an authenticator, or an authenticator class, reports the scopes of its credential."""
    # The same test as isinstance(..., ScopedAuthentication), in a tenth of the time.
    scopes, client = (
        getattr(authenticator, "token_scopes", None),
        getattr(authenticator, "token_client", None),
    )
    return callable(scopes) and callable(client)


def _resolves_to(path: str, cls: type) -> bool:
    try:
        return import_string(path) is cls
    except ImportError:
        return False


def _active_user(request: Request) -> models.Model | None:
    user: Any = request.user
    is_user = isinstance(user, user_model()) and user.is_authenticated is True
    return user if is_user and getattr(user, "is_active", False) is True else None


def standing_of(user: models.Model | None) -> Standing:
    """Return the standing of a user, or PUBLIC for a client without a user."""
    if user is None:
        return Standing.PUBLIC
    return Standing.STAFF if getattr(user, "is_staff", False) is True else Standing.SIGNED_IN
