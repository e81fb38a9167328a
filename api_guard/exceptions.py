"""GuardError for developers; the refusals clients see."""

from __future__ import annotations

from collections.abc import Iterable

from django.db import Error as DatabaseFault
from django.utils.translation import gettext_lazy as _
from rest_framework.exceptions import APIException, ErrorDetail

from api_guard.core.challenges import bearer_challenge
from api_guard.core.rates import Usage

# Libraries behind Django's cache backends, whose errors share no class with the standard library.
_CACHE_LIBRARIES = frozenset({"redis", "valkey", "pymemcache", "pylibmc", "memcache"})


class GuardError(Exception):
    """A mistake in how api_guard is used; the message holds the line to write."""


def is_fault(error: BaseException) -> bool:
    """Whether `error` says that a database, a cache or a network failed, not that code is wrong."""
    if isinstance(error, (DatabaseFault, OSError)):
        return True
    return any(cls.__module__.split(".")[0] in _CACHE_LIBRARIES for cls in type(error).__mro__)


class Refusal(APIException):
    """What a refused client gets: an exact status, a stable code and the right headers.

    DRF's stock exception handler turns `auth_header` and `wait` into headers.
    """

    auth_header: str | None = None
    wait: int | None = None

    def __init__(self, detail: object = None) -> None:
        text = str(self.default_detail if detail is None else detail)
        # A dict, because DRF's handler would drop the code of a plain detail.
        self.detail = {
            "detail": ErrorDetail(text, self.default_code),
            "code": ErrorDetail(self.default_code, self.default_code),
        }


class NotAuthenticated(Refusal):
    """No credential was presented, and one is needed."""

    status_code = 401
    default_detail = _("Authentication credentials were not provided.")
    default_code = "not_authenticated"

    def __init__(self, challenge: str | None) -> None:
        super().__init__()
        self.auth_header = challenge
        if challenge is None:
            # RFC 9110 §15.5.2: a 401 must carry a challenge, and this view has none to offer.
            self.status_code = 403


class InvalidToken(Refusal):
    """A bearer token was presented, and it is none of ours, expired, revoked or orphaned."""

    status_code = 401
    default_detail = _("The access token is invalid, expired or revoked.")
    default_code = "invalid_token"

    def __init__(self) -> None:
        super().__init__()
        self.auth_header = bearer_challenge(
            error="invalid_token",
            description="The access token is invalid, expired or revoked",
        )


class TokenInQuery(Refusal):
    """An access token came in the query string, which logs and histories keep (RFC 9700 §4.3.2)."""

    status_code = 400
    default_detail = _("Send the access token in the Authorization header alone.")
    default_code = "token_in_query"

    def __init__(self) -> None:
        super().__init__()
        self.auth_header = bearer_challenge(
            error="invalid_request",
            description="The access token must not be in the query string",
        )


class InsecureTransport(Refusal):
    """A plaintext request reached the API of a site that is for TLS alone (ASVS 5.0, 4.1.2)."""

    status_code = 403
    default_detail = _("This API is spoken over TLS alone.")
    default_code = "insecure_transport"


class InvalidCredential(Refusal):
    """A credential of another kind was presented, and its authenticator refused it."""

    status_code = 401
    default_detail = _("Incorrect authentication credentials.")
    default_code = "authentication_failed"

    def __init__(self, detail: object, challenge: str) -> None:
        super().__init__(None if isinstance(detail, (dict, list)) else detail)
        if isinstance(detail, dict):
            self.detail = detail  # a package's own shape, such as that of simplejwt
        self.auth_header = challenge


class InsufficientScope(Refusal):
    """The caller is known and does not have the scopes."""

    status_code = 403
    default_detail = _("You have not been granted the scope that this needs.")
    default_code = "insufficient_scope"

    def __init__(self, scopes: Iterable[str], *, bearer: bool) -> None:
        super().__init__()
        if bearer:
            self.auth_header = bearer_challenge(error="insufficient_scope", scopes=scopes)


class StaffOnly(Refusal):
    """Only the site's staff may."""

    status_code = 403
    default_detail = _("Only staff may do this.")
    default_code = "staff_only"


class UserOnly(Refusal):
    """A client on its own behalf came where a user is needed."""

    status_code = 403
    default_detail = _("Only a user may do this, not a client on its own behalf.")
    default_code = "user_only"


class FirstPartyOnly(Refusal):
    """A token came where only a user's own session will do."""

    status_code = 403
    default_detail = _("This is for the site's own sessions, not for access tokens.")
    default_code = "first_party_only"


class NotOffered(Refusal):
    """The view says nothing of this operation."""

    status_code = 403
    default_detail = _("This operation is not offered.")
    default_code = "not_offered"


class UndeclaredEndpoint(Refusal):
    """The view has no guard, and is not exempt."""

    status_code = 403
    default_detail = _("This endpoint is not open.")
    default_code = "undeclared_endpoint"


class Unsealed(Refusal):
    """The view answered without a decision behind it."""

    status_code = 403
    default_detail = _("This endpoint is not open.")
    default_code = "unsealed"


class UncheckedObject(Refusal):
    """The view answered without its object rule having run."""

    status_code = 403
    default_detail = _("This object could not be shown to be yours.")
    default_code = "unchecked_object"


class RuleFailed(Refusal):
    """An object rule or a permission raised instead of answering."""

    status_code = 403
    default_detail = _("Access could not be decided.")
    default_code = "rule_failed"


class OutsideYourObjects(Refusal):
    """What was written would lie outside the caller's objects."""

    status_code = 403
    default_detail = _("What you wrote would lie outside your objects.")
    default_code = "outside_your_objects"


class RateLimited(Refusal):
    """One request too many."""

    status_code = 429
    default_detail = _("Too many requests.")
    default_code = "rate_limited"

    def __init__(self, wait: int, usages: tuple[Usage, ...] = ()) -> None:
        super().__init__()
        self.wait = wait
        self.usages = usages


class GuardUnavailable(Refusal):
    """Something the decision needs is down, so there is no decision."""

    status_code = 503
    default_detail = _("Access cannot be decided at the moment.")
    default_code = "guard_unavailable"
    wait = 5
