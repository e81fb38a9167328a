"""Counts a request against the rates of its view, and tells which limits that takes."""

from __future__ import annotations

from django.db import models
from rest_framework.request import Request

from api_guard import conf, grants, throttling
from api_guard.access.callers import key_of, overrides_of, throttle_key
from api_guard.access.endpoints import counted_as
from api_guard.core.caller import Caller
from api_guard.core.policy import Operation, Policy
from api_guard.core.rates import Rate, Usage, overridden, override_name
from api_guard.core.requirements import Requirement


def asked_of(view: type, policy: Policy, operation: Operation) -> grants.Asked:
    """Return the scopes and the limits that `operation` will be judged by."""
    requirement = policy.requirement_for(operation)
    name, rates = policy.rates_for(operation)
    if conf.is_set("CEILING"):
        rates += (*conf.ceiling("user"), *conf.ceiling("client"))
    scopes = () if requirement is None else requirement.scope_names
    return grants.Asked(scopes, _names(rates, counted_as(view, name)))


def count(
    view: type,
    policy: Policy,
    operation: Operation,
    request: Request,
    requirement: Requirement | None,
) -> tuple[Usage, ...]:
    """Count `request`, and return how much of each rate is used. Raises RateLimited."""
    name, rates = policy.rates_for(operation)
    if not rates and not conf.is_set("CEILING"):
        return ()
    key = throttle_key(request)
    rates += conf.ceiling(key.partition(":")[0])
    counted = counted_as(view, name)
    scopes = () if requirement is None else requirement.scope_names
    rates = overridden(rates, counted, overrides_of(request, _names(rates, counted), scopes))
    # Two views of one name, as a factory makes them, are told apart by what they require.
    return throttling.admit(f"{counted}:{policy.fingerprint}", key, rates)


def used(
    view: type, policy: Policy, operation: Operation, caller: Caller, user: models.Model | None
) -> tuple[Usage, ...]:
    """Return how much of each rate a caller has used, without a request and without counting."""
    name, rates = policy.rates_for(operation)
    key = key_of(caller)
    if key is None:
        return ()
    rates += conf.ceiling(key.partition(":")[0])
    counted = counted_as(view, name)
    names = _names(rates, counted)
    overrides = grants.granted_with_overrides(user, caller.client_id, (), names)[2]
    rates = overridden(rates, counted, overrides)
    return throttling.used(f"{counted}:{policy.fingerprint}", key, rates)


def _names(rates: tuple[Rate, ...], view: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(override_name(rate, view) for rate in rates))
