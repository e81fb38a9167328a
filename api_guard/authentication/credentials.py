"""Authenticates a request, and checks every credential that it presents."""

from __future__ import annotations

from copy import copy
from typing import Any

from asgiref.sync import async_to_sync
from django.core.exceptions import PermissionDenied, SuspiciousOperation
from rest_framework.exceptions import APIException, AuthenticationFailed
from rest_framework.request import Request, clone_request

from api_guard.access.coroutines import is_coroutine_method
from api_guard.authentication.bearer import BearerAuthentication
from api_guard.authentication.challenges import challenge_of
from api_guard.exceptions import (
    GuardUnavailable,
    InvalidCredential,
    InvalidToken,
    Refusal,
    is_fault,
)
from api_guard.limits import credentials

# These say that a credential is invalid. Other exceptions say that it could not be checked.
BAD_CREDENTIALS = (AuthenticationFailed, InvalidCredential, InvalidToken)


def authenticate(request: Request) -> None:
    """Authenticate as DRF does, but also check a credential beside a valid session.

    A credential in the Authorization header is refused only if all authenticators refuse it,
    because a site may have two kinds of bearer tokens, and some have no challenge that tells their
    scheme. Their order does not matter. Raises the exception of the first authenticator, or
    GuardUnavailable if one could not be asked, or TooManyFailures.
    """
    drf: Any = request
    said = request.META.get("HTTP_AUTHORIZATION", "")
    claimants = _claimants(drf, said)
    field = said if claimants else ""
    account = credentials.account_of_basic(field)
    if account is None:
        _authenticate_token(drf, claimants, field)
    else:
        _authenticate_account(drf, claimants, account)


def _authenticate_account(request: Any, claimants: list[Any], account: str) -> None:
    """Count the attempt before the password is verified, against guessing (NIST 800-63B)."""
    attempt = credentials.begin(request, "user", account)
    if attempt is None:
        _authenticate(request, claimants)
        return
    try:
        with credentials.held():
            is_settled = _authenticate(request, claimants)
    except BaseException as error:
        # A refusal means a wrong password. Other exceptions are failures of the server, such as
        # the SystemExit by which it ends a worker that hangs.
        if _is_refusal(error):
            attempt.failed()
        else:
            attempt.ended_by(error)
        raise
    if is_settled:
        attempt.succeeded()
    else:
        attempt.failed()


def _is_refusal(error: BaseException) -> bool:
    if isinstance(error, APIException):
        return error.status_code < 500
    return isinstance(error, (PermissionDenied, SuspiciousOperation))


def _authenticate_token(request: Any, claimants: list[Any], field: str) -> None:
    """Count only refusals: a valid credential is accepted, even if its address sends bad ones."""
    if field:
        credentials.refuse_known_bad(request, field)
    try:
        _authenticate(request, claimants)
    except BAD_CREDENTIALS:
        credentials.count_bad(request, field)
        raise


def _authenticate(drf: Any, claimants: list[Any]) -> bool:
    """Authenticate, and return whether the credential in the header was accepted."""
    chosen: tuple[Any, tuple[Any, Any]] | None = None
    failure: APIException | None = None
    is_settled = False
    for authenticator in drf.authenticators:
        is_claimant = authenticator in claimants
        if chosen is not None and (is_settled or not is_claimant):
            continue
        try:
            found = _ask(authenticator, drf)
        except APIException as error:
            if failure is None or isinstance(error, GuardUnavailable):
                # An authenticator that could not be asked might accept it, so 401 would be wrong.
                failure = _as_refusal(error, authenticator, drf)
            if is_claimant:
                continue
            break
        if found is not None:
            chosen = chosen or (authenticator, found)
            is_settled = is_settled or is_claimant
    if chosen is not None and failure is not None and not is_settled:
        others = [each for each in drf.authenticators if each not in claimants]
        is_settled = any(_accepts_the_header(each, drf) for each in others)
    if chosen is None or (failure is not None and not is_settled):
        drf._not_authenticated()
        if failure is not None:
            raise failure
        return False
    drf._authenticator, (drf.user, drf.auth) = chosen
    return is_settled


def _accepts_the_header(authenticator: Any, request: Any) -> bool:
    """Whether an authenticator finds somebody, and nobody without the Authorization header.

    It may have no challenge that tells its scheme, as that of allauth for its access tokens.
    Whoever has a session besides is still known without the header.
    """
    http = copy(request._request)
    http.META = {name: value for name, value in http.META.items() if name != "HTTP_AUTHORIZATION"}
    vars(http).pop("headers", None)  # a cached property
    bare = clone_request(request, request.method)
    bare._request = http
    try:
        return _ask(authenticator, request) is not None and _ask(authenticator, bare) is None
    except Exception as error:
        if is_fault(error) or isinstance(error, GuardUnavailable):
            raise  # 401 would be wrong, and would count as a bad credential
        return False  # it cannot be told, so the credential is refused


def _ask(authenticator: Any, request: Any) -> Any:
    """Authenticate with one authenticator. An authenticator of adrf may be a coroutine."""
    if is_coroutine_method(authenticator.authenticate):
        return async_to_sync(authenticator.authenticate)(request)
    return authenticator.authenticate(request)


def _as_refusal(error: APIException, authenticator: Any, request: Any) -> APIException:
    """Keep the 401 of a bad credential. DRF would ask only the first authenticator for it."""
    if isinstance(error, Refusal):
        return error
    challenge = challenge_of(authenticator, request)
    if isinstance(error, AuthenticationFailed) and challenge:
        return InvalidCredential(error.detail, challenge)
    return error


def _claimants(request: Any, field: str) -> list[Any]:
    """Return the authenticators for the scheme of the presented credential."""
    scheme = field.partition(" ")[0].lower()
    if not scheme:
        return []
    return [each for each in request.authenticators if _scheme_of(each, request) == scheme]


def _scheme_of(authenticator: Any, request: Any) -> str:
    if isinstance(authenticator, BearerAuthentication):
        return authenticator.scheme  # faster than building its challenge
    return challenge_of(authenticator, request).partition(" ")[0].lower()
