"""Holds what a handler saves to the object rule, as a policy's USING and WITH CHECK do."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

from django.db import models, router, transaction
from django.db.models.signals import post_save, pre_save
from rest_framework.request import Request
from rest_framework.serializers import BaseSerializer

from api_guard import ownership
from api_guard.callers import caller_of
from api_guard.core.policy import ObjectRule
from api_guard.endpoints import dotted_path
from api_guard.exceptions import OutsideYourObjects
from api_guard.failures import failures_as_refusals

if TYPE_CHECKING:
    from api_guard.decorators.passage.objects import ObjectPassage

logger = logging.getLogger("api_guard")

# The passage whose handler runs now, so that a save() knows whose it is.
_saving: ContextVar[ObjectPassage | None] = ContextVar("api_guard_saving", default=None)


@contextmanager
def watched_saves(passage: ObjectPassage) -> Iterator[None]:
    """Hold every `save()` of the view's model to the object rule, whoever calls it."""
    token = _saving.set(passage)
    try:
        yield
    finally:
        _saving.reset(token)


def _before_save(sender: Any, instance: models.Model, **_: object) -> None:
    del sender
    passage = _saving.get()
    # What is stored under this key, whatever the instance says of itself, is about to be changed.
    if passage is None or instance.pk is None or not ownership.is_of(instance, passage.model):
        return
    model = instance._meta.model
    stored = model._base_manager.using(instance._state.db).filter(pk=instance.pk)
    if (model, instance.pk) not in passage.vetted and stored.exists():
        passage.vet(passage.view.request, instance, on_failure=OutsideYourObjects)


def _after_save(sender: Any, instance: models.Model, **_: object) -> None:
    del sender
    passage = _saving.get()
    if passage is not None and ownership.is_of(instance, passage.model):
        _check(passage, [instance], is_saved=True)
        passage.rule_ran = True


# To nobody in particular: Django looks up no receiver of these before it saves in bulk.
pre_save.connect(_before_save, dispatch_uid="api_guard.before_save")
post_save.connect(_after_save, dispatch_uid="api_guard.after_save")


def check_on_save(passage: ObjectPassage, serializer: Any, request: Request) -> None:
    """Have `serializer.save()` refuse, and undo, what lies outside the caller's objects."""
    rule = passage.rule
    if rule is None or rule.is_any or not isinstance(serializer, BaseSerializer):
        return
    if not _is_about(serializer, passage.model):
        return  # what belongs to another model is no business of this rule
    whole = serializer.save

    def save(**values: Any) -> Any:
        for stored in _stored(serializer):
            passage.vet(request, stored)
        owner = ownership.owner_for(serializer, rule, request.user)
        # A savepoint, so that a handler may go on to the next row after one that failed.
        with transaction.atomic(using=_database(serializer)), watched_saves(passage):
            written = whole(**{**owner, **values})
            rows = written if isinstance(written, (list, tuple)) else [written]
            if all(isinstance(row, models.Model) for row in rows):
                _check(passage, rows, is_saved=False)
                passage.rule_ran = True
        return written

    serializer.save = save  # type: ignore[method-assign]


def _check(passage: ObjectPassage, rows: Any, *, is_saved: bool) -> None:
    rule: ObjectRule | None = passage.rule
    caller = caller_of(passage.view.request)
    for row in rows:
        key = (row._meta.model, row.pk)
        if rule is None or (not is_saved and key in passage.written):
            continue
        with failures_as_refusals(passage.view, "the object rule"):
            # A row that no save() wrote is asked of the database: memory may say what it likes.
            ask = ownership.covers_written if is_saved else ownership.covers
            is_covered = ask(row, rule, caller)
        if not is_covered:
            logger.warning(
                "%s: %s would have written a %s outside its objects.",
                dotted_path(type(passage.view)),
                caller,
                row._meta.label,
            )
            raise OutsideYourObjects
        passage.written.add(key)
        passage.vetted.add(key)


def _is_about(serializer: Any, model: type[models.Model] | None) -> bool:
    child = getattr(serializer, "child", serializer)
    own = getattr(getattr(child, "Meta", None), "model", None)
    return own is None or model is None or issubclass(own, model) or issubclass(model, own)


def _stored(serializer: BaseSerializer[Any]) -> list[models.Model]:
    instance = serializer.instance
    if isinstance(instance, models.Model):
        return [] if instance._state.adding else [instance]
    return list(instance) if isinstance(instance, (list, tuple, models.QuerySet)) else []


def _database(serializer: Any) -> str | None:
    child = getattr(serializer, "child", serializer)
    model = getattr(getattr(child, "Meta", None), "model", None)
    return router.db_for_write(model) if model is not None else None
