"""The security schemes of access tokens, and which scopes an operation asks for."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice, product
from typing import Any

from django.urls import NoReverseMatch, reverse
from drf_spectacular.extensions import OpenApiAuthenticationExtension

from api_guard import conf
from api_guard.access.endpoints import is_and, policy_of, sides_of
from api_guard.authentication import takes_access_tokens
from api_guard.core.operations import Operation
from api_guard.core.rates import Rate
from api_guard.core.requirements import Requirement
from api_guard.permissions import HasScopes
from api_guard.throttling import RateThrottle

# Ways to meet a requirement that one operation lists. OpenAPI has no "one of these scopes".
_MOST_WAYS = 16


def requirement_of(auto_schema: Any) -> Requirement | None:
    """Return what an operation requires by its guard or by HasScopes; None without either."""
    view = auto_schema.view
    policy = policy_of(type(view))
    if policy is not None:
        return policy.requirement_for(operation_of(auto_schema))
    required = [each.requirement for each in _needed(view.permission_classes)]
    groups = tuple(group for requirement in required for group in requirement.scopes)
    return Requirement(None, groups) if groups else None


def _needed(permissions: Iterable[Any]) -> Iterator[HasScopes]:
    """Yield each HasScopes that no other permission can replace."""
    for permission in permissions:
        if isinstance(permission, HasScopes):
            yield permission
        elif is_and(permission):
            yield from _needed(sides_of(permission))


def rates_of(auto_schema: Any) -> tuple[Rate, ...]:
    """Return the rates of an operation, by its guard or by RateThrottle."""
    view = auto_schema.view
    policy = policy_of(type(view))
    if policy is not None:
        return policy.rates_for(operation_of(auto_schema))[1]
    throttles = view.throttle_classes
    return tuple(r for each in throttles if isinstance(each, RateThrottle) for r in each.rates)


def operation_of(auto_schema: Any) -> Operation:
    """Return the operation that is being described."""
    return Operation(auto_schema.method, getattr(auto_schema.view, "action", None))


def _requirements(name: str, auto_schema: Any) -> list[dict[str, list[str]]]:
    found = requirement_of(auto_schema)
    if found is not None and _is_for_sessions(found) and _has_sessions(auto_schema.view):
        return []
    groups = () if found is None else found.scopes
    ways = islice(product(*groups), _MOST_WAYS)
    # The order of the settings; each scope once.
    return [{name: list(dict.fromkeys(way))} for way in dict.fromkeys(ways)]


def _is_for_sessions(requirement: Requirement) -> bool:
    """Whether no token meets it: a standing without a scope."""
    has_standing = requirement.standing is not None and not requirement.is_public
    return has_standing and not requirement.scopes


def _has_sessions(view: Any) -> bool:
    return not all(takes_access_tokens(type(each)) for each in view.get_authenticators())


class AccessTokenScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    """Access tokens of this site's authorization server."""

    target_class = "api_guard.authentication.access_tokens.OAuth2Authentication"
    match_subclasses = True
    name = "oauth2"

    def get_security_requirement(self, auto_schema: Any) -> list[dict[str, list[str]]]:
        """Return the scopes of the operation, a dict for each way to meet the requirement."""
        return _requirements(str(self.name), auto_schema)

    def get_security_definition(self, auto_schema: Any) -> dict[str, Any]:
        """Return the flows that are routed, with the declared scopes."""
        del auto_schema
        scopes = conf.scopes()
        token, authorize = _address("token"), _address("authorize")
        if not token:
            return {"type": "http", "scheme": "bearer"}
        flows: dict[str, Any] = {"clientCredentials": {"tokenUrl": token, "scopes": scopes}}
        if authorize:
            addresses = {"authorizationUrl": authorize, "tokenUrl": token, "refreshUrl": token}
            flows = {"authorizationCode": {**addresses, "scopes": scopes}, **flows}
        return {"type": "oauth2", "flows": flows}


class IntrospectedTokenScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    """Access tokens of another authorization server."""

    target_class = "api_guard.authentication.introspected.IntrospectionAuthentication"
    match_subclasses = True
    name = "bearerToken"

    def get_security_requirement(self, auto_schema: Any) -> list[dict[str, list[str]]]:
        """Return the scopes of the operation, a dict for each way to meet the requirement."""
        return _requirements(str(self.name), auto_schema)

    def get_security_definition(self, auto_schema: Any) -> dict[str, Any]:
        """Return a bearer scheme: the other server says where its tokens come from."""
        del auto_schema
        settings = conf.introspection()
        described = {} if settings is None else {"description": f"Issued by {settings.issuer}"}
        return {"type": "http", "scheme": "bearer", **described}


def _address(name: str) -> str:
    try:
        return reverse(f"oauth2_provider:{name}")
    except NoReverseMatch:
        return ""
