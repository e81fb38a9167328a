"""Finds the objects of a model that the object rules of all reachable views allow a caller."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.db.models import Model, Q

from api_guard.access.endpoints import policies_over
from api_guard.access.ownership.rules import NO_OBJECT, restriction
from api_guard.core.caller import Caller
from api_guard.core.decision import decide
from api_guard.core.objects import ObjectRule
from api_guard.core.operations import Operation
from api_guard.core.policy import Policy
from api_guard.exceptions import GuardUnavailable, is_fault

logger = logging.getLogger("api_guard")

READING = Operation("GET", "retrieve")
WRITING = Operation("PUT", "update")
DELETING = Operation("DELETE", "destroy")


@dataclass(frozen=True)
class Asking:
    """The caller, the view and the request for which object rules are asked."""

    caller: Caller
    request: Any
    view_class: type


def rules_over(
    model: type[Model], asking: Asking, operation: Operation, *, is_kept: bool = False
) -> Iterator[tuple[ObjectRule, type[Model]]]:
    """Yield the object rules of all views over `model` that apply to the caller, and their model.

    A caller's own objects always count. Objects that a view shows to others than the owner count
    only for callers that the view allows. With `is_kept`, yield the rules for written objects.
    """
    for policy, own in policies_over(model, asking.view_class):
        rule = policy.keep_rule_for(operation) if is_kept else policy.object_rule_for(operation)
        if rule is not None and _counts(rule, policy, asking.caller, operation):
            yield rule, own


def _counts(rule: ObjectRule, policy: Policy, caller: Caller, operation: Operation) -> bool:
    if rule.owner is not None and rule.narrow is None:
        return True
    return decide(policy.requirement_for(operation), caller).allowed


def allowed_by_views(
    model: type[Model], asking: Asking, operation: Operation, *, is_kept: bool = False
) -> Q | None:
    """Return the condition of the objects that all views over `model` allow; None for all."""
    allowed = Q()
    for rule, own in rules_over(model, asking, operation, is_kept=is_kept):
        part = _part(rule, own, asking)
        if part is None:
            return None
        if part is not NO_OBJECT:
            # The rule's model: its rows share their keys with its parents and children.
            allowed |= Q(pk__in=own._base_manager.filter(part).values("pk"))
    return allowed or NO_OBJECT


def _part(rule: ObjectRule, own: type[Model], asking: Asking) -> Q | None:
    """Return what the rule of one other view allows; if the rule raises, nothing."""
    try:
        return restriction(rule, asking.caller, own, asking.request)
    except Exception as error:
        if is_fault(error) or isinstance(error, GuardUnavailable):
            raise
        logger.exception("An object rule over %s raised, and allows nothing.", own._meta.label)
        return NO_OBJECT


def is_anybodys(model: type[Model], view_class: type) -> bool:
    """Whether no view has an object rule over `model`, or all say ANY_OBJECT."""
    return not any(policy.hides_objects for policy, _ in policies_over(model, view_class))


def is_ruled(model: type[Model], view_class: type) -> bool:
    """Whether a reachable view, or the current view, has an object rule over `model`."""
    return bool(policies_over(model, view_class))
