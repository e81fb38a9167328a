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
    Unrecorded,
    Unsealed,
    UserOnly,
)
from api_guard.exceptions.bodies import (
    BodyOverLimit,
    BodyTooLarge,
    InvalidValue,
    LengthRequired,
    MalformedBody,
    MalformedRequest,
    UnsupportedCharset,
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
from api_guard.exceptions.granting import GrantForbidden, GrantInvalid, GrantRefused
from api_guard.exceptions.hidden import HiddenObject
from api_guard.exceptions.outages import is_outage
from api_guard.exceptions.refusal import Refusal

__all__ = [
    "BodyOverLimit",
    "BodyTooLarge",
    "FirstPartyOnly",
    "GrantForbidden",
    "GrantInvalid",
    "GrantRefused",
    "GuardError",
    "GuardUnavailable",
    "HiddenObject",
    "InsecureTransport",
    "InsufficientScope",
    "InvalidCredential",
    "InvalidToken",
    "InvalidValue",
    "LengthRequired",
    "MalformedBody",
    "MalformedRequest",
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
    "Unrecorded",
    "Unsealed",
    "UnsupportedCharset",
    "UserOnly",
    "is_fault",
    "is_outage",
]
