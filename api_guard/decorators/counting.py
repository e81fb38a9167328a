"""Counts a request against the rates of its view, and lists the limits that apply to it."""

from __future__ import annotations

from django.db import models
from rest_framework.request import Request

from api_guard import conf, grants, throttling
from api_guard.access.callers import key_of, overrides_of, throttle_key
from api_guard.access.endpoints import counted_as
from api_guard.core.caller import Caller
from api_guard.core.operations import Operation
from api_guard.core.policy import Policy
from api_guard.core.rates import Rate, Usage, overridden, override_name


def asked_of(view: type, policy: Policy, operation: Operation) -> grants.Asked:
    """Return the scopes and the limits that decide about `operation`."""
    requirement = policy.requirement_for(operation)
    name, rates = policy.rates_for(operation)
    if conf.is_set("CEILING"):
        rates += (*conf.ceiling("user"), *conf.ceiling("client"))
    scopes = () if requirement is None else requirement.scope_names
    return grants.Asked(scopes, _names(rates, counted_as(view, name)))


def count(
    view: type, policy: Policy, operation: Operation, request: Request, asked: grants.Asked
) -> tuple[Usage, ...]:
    """Count `request`, and return how much of each rate is used. Raises RateLimited.

    `asked` is what `asked_of` returns for the operation.
    """
    if not asked.rates and not conf.is_set("CEILING"):
        return ()
    name, rates = policy.rates_for(operation)
    key = throttle_key(request)
    rates += conf.ceiling(key.partition(":")[0])
    counted = counted_as(view, name)
    rates = overridden(rates, counted, overrides_of(request, asked.rates, asked.scopes))
    # A factory can make two views with the same name. Their requirements tell them apart.
    return throttling.admit(f"{counted}:{policy.fingerprint}", key, rates)


def used(
    view: type, policy: Policy, operation: Operation, caller: Caller, user: models.Model | None
) -> tuple[Usage, ...]:
    """Return how much of each rate a caller has used. It needs no request and counts nothing."""
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
    return tuple(dict.fromkeys([override_name(rate, view) for rate in rates]))
