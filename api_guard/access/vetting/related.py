"""Narrows related fields: a caller can only refer to rows that it may see."""

from __future__ import annotations

from typing import Any

from django.contrib.contenttypes.fields import GenericRelation
from django.db.models import Manager, ManyToManyRel, ManyToOneRel, Model, QuerySet
from rest_framework.relations import ManyRelatedField
from rest_framework.serializers import BaseSerializer

from api_guard.access import ownership
from api_guard.access.failures import failures_as_refusals
from api_guard.access.vetting.current import current, is_unheld
from api_guard.access.vetting.links import visible_key
from api_guard.core.operations import Operation

# The place of the record on a view: the browsable API shows forms after the handler.
VETTING = "_api_guard_vetting"


def narrow_choices(field: Any, queryset: Any) -> Any:
    """Return the rows that the caller may refer to in a related field."""
    vetting = current() or getattr(field.context.get("view"), VETTING, None)
    if isinstance(queryset, Manager):
        queryset = queryset.all()
    if vetting is None or vetting.is_suspended or vetting.request is None:
        return queryset
    if not isinstance(queryset, QuerySet):
        return queryset
    model: Any = queryset.model
    name, operation = _as_named(field)
    is_lifted = name in vetting.policy.related or is_unheld(model)
    if is_lifted or not ownership.is_ruled(model, type(vetting.view)):
        return queryset
    with failures_as_refusals(vetting.view, "the object rule of a related field"):
        allowed = ownership.allowed_by_views(model, vetting.asking, operation)
        if allowed is None:
            return queryset
        if allowed is ownership.NO_OBJECT:
            return queryset.none()
        mark = ownership.Mark(visible_key(operation), vetting)
        return ownership.put_mark(queryset.filter(allowed), mark)


def far_side(model: type[Model], source: str) -> type[Model] | None:
    """Return the model whose rows change if a field refers to them from the other side."""
    for relation in model._meta.related_objects:
        is_far = isinstance(relation, (ManyToOneRel, ManyToManyRel))
        if is_far and relation.get_accessor_name() == source:
            return _model(relation.related_model)
    for field in model._meta.private_fields:
        if isinstance(field, GenericRelation) and field.name == source:
            return _model(field.related_model)
    return None


def _model(model: Any) -> type[Model]:
    found: type[Model] = model
    return found


def _as_named(field: Any) -> tuple[str, Operation]:
    """Return the name of a written field, and the meaning of writing it."""
    if isinstance(field.parent, ManyRelatedField):
        field = field.parent
    serializer = field.parent
    while serializer is not None and not isinstance(serializer, BaseSerializer):
        serializer = serializer.parent
    model = getattr(getattr(serializer, "Meta", None), "model", None)
    source = str(field.source)
    is_far = model is not None and far_side(model, source) is not None
    return source, ownership.WRITING if is_far else ownership.READING
