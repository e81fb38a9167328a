"""Finds the caller of a request, and the grants that were read for it."""

from __future__ import annotations

from dataclasses import dataclass

from django.db import models
from django.http import HttpRequest
from rest_framework.request import Request

from api_guard import grants
from api_guard.access import holdings
from api_guard.access.callers.identifying import identify, standing_of
from api_guard.core.caller import Caller
from api_guard.core.rates import Override
from api_guard.core.scopes import NO_SCOPES, Credential, Granted
from api_guard.exceptions import GuardUnavailable, is_fault
from api_guard.limits.addresses import address_of

_ATTRIBUTE = "_api_guard_caller"


class _faults_as_unavailable:  # noqa: N801
    __slots__ = ()

    def __enter__(self) -> None:
        """Watch."""

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, Exception) and is_fault(error):
            raise GuardUnavailable from error


class _Asked:
    """A caller and, after its grants were looked up, their rows."""

    def __init__(
        self,
        user: models.Model | None,
        client_id: object,
        credential: Credential,
        carried: frozenset[str],
        held: grants.Held | None = None,
    ) -> None:
        self.rows: tuple[grants.LiveGrant, ...] = ()
        self._granted = Granted()
        # The scopes that were looked up; None means all of them.
        self._known: frozenset[str] | None = NO_SCOPES
        self._user = user
        # The grants that were read together with the token.
        self._held = held
        if self._held is not None:
            self._granted, self.rows = self._held.granted, self._held.rows
            self._known = frozenset(self._held.asked.scopes)
        self.caller = Caller(
            user_id=None if user is None else user.pk,
            client_id=client_id,
            standing=standing_of(user),
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
            # A second requirement reads all grants, because there may be a third one.
            self._read(None if self._known else names)
        return self._granted

    def _read(self, names: tuple[str, ...] | None) -> None:
        with _faults_as_unavailable():
            found = grants.granted(self._user, self.caller.client_id, names)
        self._granted, self.rows = found
        self._known = None if names is None else frozenset(names)

    def known(self) -> Known:
        return Known(self.caller, self._granted, self._known)

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


@dataclass(frozen=True)
class Known:
    """A caller and the grants that were looked up: those of `scopes`; None means all."""

    caller: Caller
    granted: Granted
    scopes: frozenset[str] | None


def known_caller(request: HttpRequest) -> Known | None:
    """Return the caller if it is known already. This does not authenticate or use a database."""
    known = getattr(request, _ATTRIBUTE, None)
    return None if known is None else known[2].known()


def caller_of(request: Request) -> Caller:
    """Return the caller. The first call authenticates the request."""
    return _asked(request).caller


def caller_as(
    user: models.Model | None, client_id: object, credential: Credential, carried: frozenset[str]
) -> Caller:
    """Return the caller that such a credential would give. Its grants are looked up as usual."""
    return _Asked(user, client_id, credential, carried).caller


def rows_behind(request: Request) -> tuple[grants.LiveGrant, ...]:
    """Return the live grants that were read for this request, if any."""
    return _asked(request).rows


def overrides_of(
    request: Request, rates: tuple[str, ...], scopes: tuple[str, ...] = ()
) -> tuple[Override, ...]:
    """Return the caller's own limits that replace those in code, for the rates named in `rates`.

    The same query reads the caller's grants of `scopes`. Raises GuardUnavailable.
    """
    return _asked(request).overrides(scopes, rates)


def throttle_key(request: Request) -> str:
    """Return the name under which this caller's requests are counted."""
    return key_of(caller_of(request)) or f"address:{address_of(request)}"


def key_of(caller: Caller) -> str | None:
    """Return the name under which a caller is counted; None if its address is counted."""
    if caller.user_id is not None:
        return f"user:{caller.user_id}"
    return None if caller.client_id is None else f"client:{caller.client_id}"


def _asked(request: Request) -> _Asked:
    # Keep it on Django's request, because DRF clones its own for every probe. Keep the
    # authenticator with it: another view that gets the same request may see another caller.
    found = vars(request)
    if "_authenticator" in found and "_user" in found:
        authenticator, user = found["_authenticator"], found["_user"]
    else:
        authenticator, user = request.successful_authenticator, request.user
    known = getattr(request._request, _ATTRIBUTE, None)
    if known is None or known[0] is not authenticator or known[1] is not user:
        who, client_id, credential, carried = identify(request)
        held = holdings.held(request, who, client_id)
        known = (authenticator, user, _Asked(who, client_id, credential, carried, held))
        setattr(request._request, _ATTRIBUTE, known)
    return known[2]
