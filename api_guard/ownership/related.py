"""Related fields: what a caller may point at."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.db.models import Manager, ManyToOneRel, Model, Q, QuerySet
from rest_framework.relations import ManyRelatedField, RelatedField
from rest_framework.request import Request
from rest_framework.serializers import BaseSerializer

from api_guard.callers import caller_of
from api_guard.core.caller import Caller
from api_guard.core.decision import decide
from api_guard.core.policy import ObjectRule, Operation, Policy
from api_guard.endpoints import policies_over
from api_guard.failures import failures_as_refusals
from api_guard.ownership.rules import NO_OBJECT, restriction

_READING = Operation("GET", "retrieve")
# To point at an object from the far side of its own foreign key is to write that object.
_WRITING = Operation("PUT", "update")


def narrow_related(serializer: BaseSerializer[Any], request: Request, view: Any) -> None:
    """Let the related fields of `serializer` name only objects that the caller may see."""
    for field, operation in _related_fields(serializer, None):
        field.get_queryset = _narrowed(field, request, view, operation)  # type: ignore[method-assign]


def _narrowed(
    field: RelatedField[Any, Any, Any], request: Request, view: Any, operation: Operation
) -> Any:
    whole = field.get_queryset

    def get_queryset() -> Any:
        queryset: Any = whole()
        if isinstance(queryset, Manager):
            queryset = queryset.all()
        if not isinstance(queryset, QuerySet):
            return queryset
        with failures_as_refusals(view, "the object rule of a related field"):
            return _visible(queryset, caller_of(request), type(view), operation)

    return get_queryset


def _visible(
    queryset: QuerySet[Any], caller: Caller, view_class: type, operation: Operation
) -> QuerySet[Any]:
    """Keep what some reachable view of the model would show to the caller, or let it write.

    A caller always sees what is its own. What a view shows to others than the owner counts only
    for those that the view lets in.
    """
    policies = policies_over(queryset.model, view_class)
    if not policies:
        return queryset
    visible = Q()
    for policy, model in policies:
        rule = _rule_for(policy, caller, operation)
        if rule is None:
            continue
        allowed = restriction(rule, caller, model)
        if allowed is None:
            return queryset
        if allowed is not NO_OBJECT:
            # The model of the rule, whose rows have the keys of its parents' and children's.
            visible |= Q(pk__in=model._base_manager.filter(allowed).values("pk"))
    return queryset.filter(visible) if visible else queryset.none()


def _rule_for(policy: Policy, caller: Caller, operation: Operation) -> ObjectRule | None:
    rule = policy.object_rule_for(operation)
    if rule is None or (rule.owner is not None and rule.narrow is None):
        return rule
    return rule if decide(policy.demand_for(operation), caller).allowed else None


def _related_fields(
    field: Any, model: type[Model] | None
) -> Iterator[tuple[RelatedField[Any, Any, Any], Operation]]:
    """Yield every related field that can be written, however deep, and what writing it means."""
    if getattr(field, "read_only", False):
        return
    if isinstance(field, RelatedField):
        parent = field.parent if isinstance(field.parent, ManyRelatedField) else field
        yield field, _WRITING if _is_far_side(model, str(parent.source)) else _READING
    own = getattr(getattr(field, "Meta", None), "model", None) or model
    for name in ("child", "child_relation"):
        if hasattr(field, name):
            yield from _related_fields(getattr(field, name), own)
    for inner in getattr(field, "fields", {}).values():
        yield from _related_fields(inner, own)


def _is_far_side(model: type[Model] | None, source: str) -> bool:
    if model is None:
        return False
    relations = (r for r in model._meta.related_objects if isinstance(r, ManyToOneRel))
    return source in {relation.get_accessor_name() for relation in relations}
