"""The refusals of an operation as responses of OpenAPI, with their codes and headers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from api_guard.core.limits import Limits
from api_guard.core.operations import SAFE_METHODS, Operation
from api_guard.core.policy import Policy
from api_guard.core.rates import Rate
from api_guard.core.requirements import Requirement
from api_guard.openapi.components import HEADERS, INVALID, REFUSAL, reference

_BODY_CODES = ["malformed_body", "body_over_limit", "invalid_value"]
_SAID = {
    "400": "The request cannot be read, or a value cannot be used.",
    "401": "There is no valid credential.",
    "403": "The caller may not do this.",
    "404": "There is no such object or page among those that the caller may reach.",
    "411": "The body has no length.",
    "413": "The body is too large.",
    "415": "The body has another media type or encoding than this operation takes.",
    "429": "Too many requests, or too many wrong credentials.",
    "503": "A database, a cache or a network that the decision needs is down.",
}
_HEADERS = {"401": ("WWW-Authenticate",), "429": ("Retry-After",), "503": ("Retry-After",)}
RATE_HEADERS = ("RateLimit-Policy", "RateLimit")


@dataclass(frozen=True)
class Described:
    """What the refusals of an operation depend on. Without a guard there is no policy."""

    operation: Operation
    requirement: Requirement
    policy: Policy | None
    rates: tuple[Rate, ...]
    limits: Limits
    has_authenticators: bool
    has_body: bool
    may_miss: bool


def responses_of(told: Described) -> dict[str, dict[str, Any]]:
    """Return the responses with which the guard refuses an operation, by status."""
    codes = _codes_of(told)
    return {status: _response(status, codes[status], told) for status in sorted(codes)}


def _codes_of(told: Described) -> dict[str, list[str]]:
    codes = {"400": ["malformed_request", "token_in_query"], "503": ["guard_unavailable"]}
    codes["403"] = _forbidden(told.policy, told.requirement, told.operation)
    if told.has_body:
        codes["400"] += _BODY_CODES
        codes |= {"411": ["length_required"], "413": ["body_too_large"]}
        codes["415"] = ["unsupported_charset"]
    if told.has_authenticators:
        codes["401"] = ["invalid_token", "authentication_failed"]
        codes["429"] = ["too_many_failures"]
    if not told.requirement.is_public:
        codes["401"] = ["not_authenticated", *codes.get("401", ())]
    if told.rates:
        codes["429"] = ["rate_limited", *codes.get("429", ())]
    if told.may_miss:
        codes["404"] = []
    return codes


def _forbidden(policy: Policy | None, requirement: Requirement, operation: Operation) -> list[str]:
    codes = ["insecure_transport"]
    if requirement.scopes:
        codes.append("insufficient_scope")
    if requirement.is_staff:
        codes.append("staff_only")
    if requirement.standing is not None and not requirement.is_public:
        codes += ["user_only"] if requirement.scopes else ["user_only", "first_party_only"]
    if policy is not None and policy.hides_objects:
        codes += ["unchecked_object", "rule_failed"]
        if operation.method not in SAFE_METHODS:
            codes.append("outside_your_objects")
    return codes


def _response(status: str, codes: list[str], told: Described) -> dict[str, Any]:
    text = _SAID[status]
    if status == "413":
        text = f"The body has more than {told.limits.bytes} bytes."
    if status == "429" and told.rates:
        text += f" The rates: {', '.join(map(str, told.rates))}."
    if codes:
        text += f" Codes: {', '.join(f'`{code}`' for code in codes)}."
    schema: dict[str, Any] = reference(REFUSAL)
    if status == "400" and (told.has_body or told.operation.method in SAFE_METHODS):
        # Serializers and filters tell what is wrong with each field.
        schema = {"anyOf": [schema, reference(INVALID)]}
    response: dict[str, Any] = {
        "description": text,
        "content": {"application/json": {"schema": schema}},
    }
    if codes:
        response["x-codes"] = codes
    names = [*_HEADERS.get(status, ())]
    if status == "429" and told.rates:
        names += RATE_HEADERS
    if names:
        response["headers"] = {name: reference(HEADERS[name]) for name in names}
    return response
