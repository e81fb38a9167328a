"""Applies object rules to a serializer: to all its models, and to the result of `save()`."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from asgiref.sync import async_to_sync, sync_to_async
from django.db import router
from django.db.models import Model
from rest_framework.relations import ManyRelatedField, RelatedField
from rest_framework.serializers import BaseSerializer, ListSerializer

from api_guard.access import ownership
from api_guard.access.failures import failures_as_refusals
from api_guard.access.vetting.deleting import watch_deletes
from api_guard.access.vetting.many import whole_or_refused
from api_guard.access.vetting.reading import covered, key_of, settle
from api_guard.access.vetting.record import Vetting
from api_guard.access.vetting.related import far_side
from api_guard.access.vetting.sets import watch_sets
from api_guard.access.vetting.shown import vet_shown
from api_guard.exceptions import OutsideYourObjects

# The classes whose save() accepts any value.
_THEIRS = ("rest_framework.serializers", "adrf.serializers")


def hold(vetting: Vetting, serializer: Any) -> None:
    """Apply the object rules to everything that `serializer` may write."""
    for model in _written_models(serializer, set()):
        if vetting.model is None and _may_be_about(vetting, model):
            vetting.model = model
        if vetting.root(model) is None:
            vetting.held.add(model)
        watch(vetting, model)
    for name in ("save", "asave"):
        if hasattr(serializer, name) and name not in vars(serializer):
            setattr(serializer, name, _held_save(vetting, serializer, getattr(serializer, name)))


def watch(vetting: Vetting, model: type[Model]) -> None:
    """Check changes of sets, and deletes if a view has an object rule over the model."""
    watch_sets(model, type(vetting.view))
    is_own = vetting.rule is not None and vetting.root(model) is not None
    if is_own or ownership.is_ruled(model, type(vetting.view)):
        watch_deletes(model)


def _may_be_about(vetting: Vetting, model: type[Model]) -> bool:
    """Whether a view without a known model may be about this model."""
    rule = vetting.rule
    if rule is None:
        return False
    return rule.owner is None or ownership.leads_to_user(model, rule.owner) is not None


def _written_models(serializer: Any, seen: set[type]) -> Iterator[type[Model]]:
    """Yield every model that a serializer may write, at any depth."""
    if isinstance(serializer, ListSerializer):
        serializer = serializer.child
    cls = type(serializer)
    # A serializer that nests itself has endless fields.
    fields = {} if cls in seen else getattr(serializer, "fields", None)
    if not isinstance(fields, Mapping):
        return
    seen.add(cls)
    model = getattr(getattr(serializer, "Meta", None), "model", None)
    if model is not None:
        yield model
    for field in fields.values():
        inner = getattr(field, "child", field)
        if getattr(field, "read_only", False):
            continue
        if isinstance(inner, BaseSerializer):
            yield from _written_models(inner, seen)
        elif isinstance(inner, (RelatedField, ManyRelatedField)) and model is not None:
            written = far_side(model, str(field.source))
            if written is not None:
                yield written


def _held_save(vetting: Vetting, serializer: Any, whole: Any) -> Any:
    if inspect.iscoroutinefunction(whole):
        return functools.update_wrapper(_held_asave(vetting, serializer, whole), whole)

    def save(*args: Any, **values: Any) -> Any:
        with _filling(vetting, serializer), whole_or_refused(vetting, serializer, values):
            return _judge_returned(vetting, whole(*args, **values))

    return functools.update_wrapper(save, whole)


def _held_asave(vetting: Vetting, serializer: Any, whole: Any) -> Any:
    def save_list(*args: Any, **values: Any) -> Any:
        with _filling(vetting, serializer), whole_or_refused(vetting, serializer, values):
            return _judge_returned(vetting, async_to_sync(whole)(*args, **values))

    async def asave(*args: Any, **values: Any) -> Any:
        if isinstance(serializer, ListSerializer):
            # In one thread, whose transaction may include all of its objects.
            return await sync_to_async(save_list)(*args, **values)
        with _filling(vetting, serializer):
            if vetting.pending:
                await sync_to_async(settle)(vetting)
            written = await whole(*args, **values)
        return await sync_to_async(_judge_returned)(vetting, written)

    return asave


@contextmanager
def _filling(vetting: Vetting, serializer: Any) -> Iterator[None]:
    """Vet the object that is about to change; then fill in the owner of new rows in this block."""
    if serializer.instance is not None:
        vet_shown(vetting, serializer)
    _refuse_owners(vetting, serializer)
    before = vetting.is_filling
    vetting.is_filling = True
    try:
        yield
    finally:
        vetting.is_filling = before


def _refuse_owners(vetting: Vetting, serializer: Any) -> None:
    """Refuse a set of owners without the caller, before the row is stored."""
    keep, model = vetting.keep, _model_of(serializer)
    if keep is None or keep.narrow is not None or model is None or vetting.root(model) is None:
        return
    field = ownership.many_to_many(model, keep.owner)
    named = [row[field.name] for row in _validated_rows(serializer) if field and field.name in row]
    if not all(
        any(getattr(owner, "pk", owner) == vetting.caller.user_id for owner in owners)
        for owners in named
    ):
        raise OutsideYourObjects


def _model_of(serializer: Any) -> type[Model] | None:
    child = getattr(serializer, "child", serializer)
    model: type[Model] | None = getattr(getattr(child, "Meta", None), "model", None)
    return model


def _validated_rows(serializer: Any) -> list[Mapping[str, Any]]:
    validated = getattr(serializer, "_validated_data", None)
    rows = validated if isinstance(validated, list) else [validated]
    return [row for row in rows if isinstance(row, Mapping)]


def _judge_returned(vetting: Vetting, written: Any) -> Any:
    """Check what was written without a `save()`, for example by `update()` of a queryset."""
    rows = written if isinstance(written, (list, tuple)) else [written]
    ours = [row for row in rows if isinstance(row, Model) and vetting.root(row.__class__)]
    keep, model = vetting.keep, vetting.model
    unsaved = [key_of(vetting, row) for row in ours if key_of(vetting, row) not in vetting.saved]
    if unsaved and keep is not None and model is not None:
        root, using = unsaved[0][0], router.db_for_write(model)
        values = [value for _, value in unsaved]
        with failures_as_refusals(vetting.view, "the object rule"):
            is_kept = len(covered(vetting, keep, root, values, using)) == len(set(values))
        if not is_kept:
            raise OutsideYourObjects
    vetting.has_run = vetting.has_run or bool(ours)
    return written
