"""GuardError for developers; the refusals clients see."""

from api_guard.exceptions.access import (
    FirstPartyOnly,
    InsufficientScope,
    NotOffered,
    OutsideYourObjects,
    RuleFailed,
    StaffOnly,
    UncheckedObject,
    UndeclaredEndpoint,
    Unsealed,
    UserOnly,
)
from api_guard.exceptions.capacity import GuardUnavailable, RateLimited, TooManyFailures
from api_guard.exceptions.credentials import (
    InsecureTransport,
    InvalidCredential,
    InvalidToken,
    NotAuthenticated,
    TokenInQuery,
)
from api_guard.exceptions.faults import GuardError, is_fault
from api_guard.exceptions.refusal import Refusal

__all__ = [
    "FirstPartyOnly",
    "GuardError",
    "GuardUnavailable",
    "InsecureTransport",
    "InsufficientScope",
    "InvalidCredential",
    "InvalidToken",
    "NotAuthenticated",
    "NotOffered",
    "OutsideYourObjects",
    "RateLimited",
    "Refusal",
    "RuleFailed",
    "StaffOnly",
    "TokenInQuery",
    "TooManyFailures",
    "UncheckedObject",
    "UndeclaredEndpoint",
    "Unsealed",
    "UserOnly",
    "is_fault",
]
