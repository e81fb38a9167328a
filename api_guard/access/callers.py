"""Request -> Caller; the only module that knows tokens, users and addresses."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from typing import Any, Protocol, runtime_checkable

from django.contrib.auth import get_user_model
from django.db import models
from django.utils.module_loading import import_string
from rest_framework.request import ForcedAuthentication, Request

from api_guard import conf, grants
from api_guard.access import holdings
from api_guard.core.caller import Caller, Standing
from api_guard.core.rates import Override
from api_guard.core.scopes import NO_SCOPES, Credential, Granted
from api_guard.exceptions import GuardUnavailable, is_fault
from api_guard.limits.addresses import address_of

_ATTRIBUTE = "_api_guard_caller"


@runtime_checkable
class ScopedAuthentication(Protocol):
    """An authenticator that says what its credential carries."""

    def token_scopes(self, auth: Any) -> Iterable[str]:
        """Return the scopes that `request.auth` carries."""

    def token_client(self, auth: Any) -> object:
        """Return the primary key of the client that `request.auth` was issued to, or None."""


class _faults_as_unavailable:  # noqa: N801
    __slots__ = ()

    def __enter__(self) -> None:
        """Watch."""

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, Exception) and is_fault(error):
            raise GuardUnavailable from error


class _Asked:
    """A caller and, once its grants were looked up, the rows behind them."""

    def __init__(self, request: Request) -> None:
        self.rows: tuple[grants.LiveGrant, ...] = ()
        self._granted = Granted()
        # The scopes that were looked up; None where all were.
        self._known: frozenset[str] | None = NO_SCOPES
        self._user, client_id, credential, carried = _identify(request)
        # What was read with the token.
        self._held = holdings.held(request, self._user, client_id)
        if self._held is not None:
            self._granted, self.rows = self._held.granted, self._held.rows
            self._known = frozenset(self._held.asked.scopes)
        self.caller = Caller(
            user_id=None if self._user is None else self._user.pk,
            client_id=client_id,
            standing=_standing(self._user),
            credential=credential,
            carried=carried,
            look_up=self._look_up,
            look_up_some=self._look_up_some,
        )

    def _look_up(self) -> Granted:
        if self._known is not None:
            self._read(None)
        return self._granted

    def _look_up_some(self, names: tuple[str, ...]) -> Granted:
        if self._known is not None and not self._known.issuperset(names):
            # With a second requirement all are read, for there may be a third.
            self._read(None if self._known else names)
        return self._granted

    def _read(self, names: tuple[str, ...] | None) -> None:
        with _faults_as_unavailable():
            found = grants.granted(self._user, self.caller.client_id, names)
        self._granted, self.rows = found
        self._known = None if names is None else frozenset(names)

    def overrides(self, names: tuple[str, ...], rates: tuple[str, ...]) -> tuple[Override, ...]:
        is_known = self._known is None or self._known.issuperset(names)
        scopes = () if is_known or not self.caller.may_hold(names) else names
        if not scopes and self._held is not None and set(rates) <= set(self._held.asked.rates):
            return self._held.overrides
        with _faults_as_unavailable():
            found = grants.granted_with_overrides(self._user, self.caller.client_id, scopes, rates)
        if scopes:
            self._granted, self.rows = found[:2]
            self._known = frozenset(scopes)
        return found[2]


def caller_of(request: Request) -> Caller:
    """Return who asks. The request is authenticated on the way; once is enough for every call."""
    return _asked(request).caller


def rows_behind(request: Request) -> tuple[grants.LiveGrant, ...]:
    """Return the live grants that were read for this request, if they were."""
    return _asked(request).rows


def overrides_of(
    request: Request, rates: tuple[str, ...], scopes: tuple[str, ...] = ()
) -> tuple[Override, ...]:
    """Return the limits that the caller has in place of those in code, of `rates` by their names.

    What it is granted of `scopes` is read with them, so that both are one query. Raises
    GuardUnavailable.
    """
    return _asked(request).overrides(scopes, rates)


def throttle_key(request: Request) -> str:
    """Return the name under which this caller's requests are counted."""
    caller = caller_of(request)
    if caller.user_id is not None:
        return f"user:{caller.user_id}"
    if caller.client_id is not None:
        return f"client:{caller.client_id}"
    return f"address:{address_of(request)}"


def _asked(request: Request) -> _Asked:
    # Kept on Django's request, because DRF clones its own for every probe. The authenticator is
    # part of the memory: another view that is handed the same request may see another caller.
    found = vars(request)
    if "_authenticator" in found and "_user" in found:
        authenticator, user = found["_authenticator"], found["_user"]
    else:
        authenticator, user = request.successful_authenticator, request.user
    known = getattr(request._request, _ATTRIBUTE, None)
    if known is None or known[0] is not authenticator or known[1] is not user:
        known = (authenticator, user, _Asked(request))
        setattr(request._request, _ATTRIBUTE, known)
    return known[2]


def _identify(
    request: Request,
) -> tuple[models.Model | None, object, Credential, frozenset[str]]:
    authenticator = request.successful_authenticator
    if authenticator is None:
        return None, None, Credential.NONE, NO_SCOPES
    user = _active_user(request)
    if user is None and getattr(request.user, "is_authenticated", False) is True:
        # An inactive user is nobody; and so is what is no user of this site, such as a device,
        # for its primary key is not a user's.
        return None, None, Credential.NONE, NO_SCOPES
    if isinstance(authenticator, ForcedAuthentication):
        return _identify_forced(request, user)
    if is_unscoped(type(authenticator)):
        return user, None, Credential.UNSCOPED, NO_SCOPES
    if _says_scopes(authenticator):
        scoped: Any = authenticator
        carried = frozenset(scoped.token_scopes(request.auth))
        client_id = scoped.token_client(request.auth)
        return user, client_id, Credential.TOKEN, carried
    return user, None, Credential.UNKNOWN, NO_SCOPES


def _identify_forced(
    request: Request, user: models.Model | None
) -> tuple[models.Model | None, object, Credential, frozenset[str]]:
    """`force_authenticate` of a test: the user in person, or with the access token it gives."""
    if request.auth is None:
        return user, None, Credential.UNSCOPED, NO_SCOPES
    scope = getattr(request.auth, "scope", None)
    client_id = getattr(request.auth, "application_id", None)
    carried = frozenset(scope.split()) if isinstance(scope, str) else NO_SCOPES
    return user, client_id, Credential.TOKEN, carried


def is_unscoped(authenticator: type) -> bool:
    """Whether an authenticator is listed in `API_GUARD["UNSCOPED_AUTHENTICATION"]`."""
    return _is_listed(authenticator, conf.unscoped_authentication())


@lru_cache(maxsize=256)
def _is_listed(authenticator: type, listed: frozenset[str]) -> bool:
    path = f"{authenticator.__module__}.{authenticator.__qualname__}"
    # A class may be listed by the name under which a package shows it.
    return path in listed or any(_resolves_to(name, authenticator) for name in listed)


def _says_scopes(authenticator: Any) -> bool:
    # What isinstance() asks of ScopedAuthentication, in a tenth of its time.
    names = ("token_scopes", "token_client")
    return all(callable(getattr(authenticator, name, None)) for name in names)


def _resolves_to(path: str, cls: type) -> bool:
    try:
        return import_string(path) is cls
    except ImportError:
        return False


def _active_user(request: Request) -> models.Model | None:
    user: Any = request.user
    is_user = isinstance(user, get_user_model()) and user.is_authenticated is True
    return user if is_user and getattr(user, "is_active", False) is True else None


def _standing(user: models.Model | None) -> Standing:
    if user is None:
        return Standing.PUBLIC
    return Standing.STAFF if getattr(user, "is_staff", False) is True else Standing.SIGNED_IN
