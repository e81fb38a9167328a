"""Narrows querysets and checks objects by a view's object rule."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator
from typing import Any

from django.contrib.auth import get_user_model
from django.core.exceptions import FieldDoesNotExist
from django.db.models import ForeignKey, Manager, Model, Q, QuerySet
from rest_framework.relations import ManyRelatedField, RelatedField
from rest_framework.request import Request
from rest_framework.serializers import BaseSerializer, ListSerializer

from api_guard.callers import caller_of
from api_guard.core.caller import Caller
from api_guard.core.decision import decide
from api_guard.core.policy import (
    ANY_OBJECT,
    ObjectRule,
    Operation,
    Policy,
)
from api_guard.endpoints import policies_over
from api_guard.exceptions import RuleFailed

logger = logging.getLogger("api_guard.ownership")

NO_OBJECT = Q(pk__in=[])


def restriction(rule: ObjectRule, caller: Caller) -> Q | None:
    """Return what `rule` leaves of a model to `caller`; None for all of it.

    What is not said is nothing: an empty Q, None and whatever else a function returns.
    """
    narrowed = _by_function(rule, caller)
    if rule.owner is None:
        return narrowed
    # NULL = NULL must never make an owner: a caller without a user owns nothing.
    if caller.user_id is None or narrowed is NO_OBJECT:
        return NO_OBJECT
    own = Q(**{rule.owner: caller.user_id})
    return own if narrowed is None else own & narrowed


def _by_function(rule: ObjectRule, caller: Caller) -> Q | None:
    if rule.narrow is None:
        # With an owner there is nothing to add; without one, nothing was said.
        return None if rule.owner is not None else NO_OBJECT
    said = rule.narrow(caller) if callable(rule.narrow) else rule.narrow
    if said is ANY_OBJECT:
        return None
    return said if isinstance(said, Q) and said else NO_OBJECT


def narrow(queryset: Any, rule: ObjectRule, caller: Caller) -> QuerySet[Any]:
    """Return the part of `queryset` that `rule` leaves to `caller`. Raises RuleFailed."""
    if isinstance(queryset, Manager):
        queryset = queryset.all()
    allowed = restriction(rule, caller)
    if allowed is None:
        return queryset  # type: ignore[no-any-return]  # any list will do where all is allowed
    if not isinstance(queryset, QuerySet) or queryset.query.combinator or queryset.query.is_sliced:
        logger.error(
            "get_queryset() or filter_queryset() gave %s, which an object rule cannot narrow: "
            "return a queryset that is neither sliced nor a union.",
            type(queryset).__name__,
        )
        raise RuleFailed
    return _restricted(queryset, allowed, rule)


def _restricted(queryset: QuerySet[Any], allowed: Q, rule: ObjectRule) -> QuerySet[Any]:
    if allowed is NO_OBJECT:
        return queryset.none()
    if rule.narrow is None and _owner_field(queryset.model, rule) is not None:
        return queryset.filter(allowed)
    # A subquery on the primary key, so that a join of the rule doubles no row and meets no filter
    # of the view.
    inside = queryset.model._base_manager.using(queryset.db).filter(allowed).values("pk")
    return queryset.filter(pk__in=inside)


def covers(instance: Model, rule: ObjectRule, caller: Caller) -> bool:
    """Whether the stored `instance` is one that `rule` leaves to `caller`."""
    allowed = restriction(rule, caller)
    if allowed is None:
        return True
    if allowed is NO_OBJECT or instance.pk is None:
        return False
    stored = type(instance)._base_manager.using(instance._state.db).filter(pk=instance.pk)
    return stored.filter(allowed).exists()


def covers_written(instance: Model, rule: ObjectRule, caller: Caller) -> bool:
    """Whether the `instance` that was just saved is one that `rule` leaves to `caller`."""
    field = _owner_field(type(instance), rule)
    if rule.narrow is None and field is not None and caller.user_id is not None:
        # What is in memory is what was written, so that the plain case costs no query.
        return getattr(instance, field.attname) == caller.user_id or covers(instance, rule, caller)
    return covers(instance, rule, caller)


def owner_for(serializer: BaseSerializer[Any], rule: ObjectRule, user: Any) -> dict[str, Any]:
    """Return the owner to save a new object with, where the client was given no say in it."""
    model = getattr(getattr(_child(serializer), "Meta", None), "model", None)
    if serializer.instance is not None or model is None or not user.is_authenticated:
        return {}
    field = _owner_field(model, rule)
    if field is None or not issubclass(get_user_model(), field.related_model):
        return {}
    written = serializer.validated_data
    rows = written if isinstance(written, list) else [written]
    return {} if any(field.name in row for row in rows) else {field.name: user}


def narrow_related(serializer: BaseSerializer[Any], request: Request, view_class: type) -> None:
    """Let the related fields of `serializer` name only objects that the caller may see."""
    for field in _related_fields(_child(serializer)):
        field.get_queryset = _narrowed_lookup(field, request, view_class)  # type: ignore[method-assign]


def _narrowed_lookup(field: RelatedField[Any, Any, Any], request: Request, view_class: type) -> Any:
    whole = field.get_queryset

    def get_queryset() -> Any:
        queryset: Any = whole()
        if isinstance(queryset, Manager):
            queryset = queryset.all()
        if not isinstance(queryset, QuerySet):
            return queryset
        return _visible(queryset, caller_of(request), view_class)

    return get_queryset


def _visible(queryset: QuerySet[Any], caller: Caller, view_class: type) -> QuerySet[Any]:
    """Keep what some reachable view of the model would show to the caller.

    A caller always sees what is its own. What a view shows to others than the owner counts only
    for those that the view lets in.
    """
    policies = policies_over(queryset.model, view_class)
    if not policies:
        return queryset
    visible = Q()
    for policy in policies:
        rule = _reading_rule(policy, caller)
        if rule is None:
            continue
        allowed = restriction(rule, caller)
        if allowed is None:
            return queryset
        if allowed is not NO_OBJECT:
            visible |= Q(pk__in=queryset.model._base_manager.filter(allowed).values("pk"))
    return queryset.filter(visible) if visible else queryset.none()


def _reading_rule(policy: Policy, caller: Caller) -> ObjectRule | None:
    reading = Operation("GET", "retrieve")
    rule = policy.object_rule_for(reading)
    if rule is None or (rule.owner is not None and rule.narrow is None):
        return rule
    return rule if decide(policy.demand_for(reading), caller).allowed else None


def _child(serializer: Any) -> Any:
    return serializer.child if isinstance(serializer, ListSerializer) else serializer


def _related_fields(serializer: Any) -> Iterator[RelatedField[Any, Any, Any]]:
    fields: Iterable[Any] = getattr(serializer, "fields", {}).values()
    for field in fields:
        if field.read_only:
            continue
        inner = field.child_relation if isinstance(field, ManyRelatedField) else _child(field)
        if isinstance(inner, RelatedField):
            yield inner
        elif isinstance(inner, BaseSerializer):
            yield from _related_fields(inner)


def _owner_field(model: type[Model], rule: ObjectRule) -> ForeignKey[Any, Any] | None:
    """Return the foreign key that `owner` names, None where it is a longer way to the user."""
    if rule.owner is None:
        return None
    try:
        field = model._meta.get_field(rule.owner)
    except FieldDoesNotExist:
        return None
    return field if isinstance(field, ForeignKey) else None
