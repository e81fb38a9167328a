"""Holds what a serializer saves to the object rule, as a policy's WITH CHECK does."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from django.db import models, router, transaction
from rest_framework.request import Request
from rest_framework.serializers import BaseSerializer

from api_guard import ownership
from api_guard.callers import caller_of
from api_guard.core.policy import (
    ObjectRule,
)
from api_guard.endpoints import dotted_path
from api_guard.exceptions import OutsideYourObjects

if TYPE_CHECKING:
    from api_guard.decorators.passage import Passage

logger = logging.getLogger("api_guard")


def check_on_save(passage: Passage, serializer: Any, request: Request) -> None:
    """Have `serializer.save()` refuse, and undo, what lies outside the caller's objects."""
    rule = passage.rule
    if rule is None or rule.is_any or not isinstance(serializer, BaseSerializer):
        return
    whole = serializer.save

    def save(**values: Any) -> Any:
        for stored in _stored(serializer):
            passage.vet(request, stored)
        owner = ownership.owner_for(serializer, rule, request.user)
        # A savepoint, so that a handler may go on to the next row after one that failed.
        with transaction.atomic(using=_database(serializer)):
            written = whole(**{**owner, **values})
            _check(passage, rule, written, request)
        return written

    serializer.save = save  # type: ignore[method-assign]


def _check(passage: Passage, rule: ObjectRule, written: Any, request: Request) -> None:
    rows = written if isinstance(written, (list, tuple)) else [written]
    for row in rows:
        if not isinstance(row, models.Model):
            return  # nothing of a table was written, so that the rule has not run
        if not ownership.covers_written(row, rule, caller_of(request)):
            logger.warning(
                "%s: %s would have written a %s outside its objects.",
                dotted_path(type(passage.view)),
                caller_of(request),
                row._meta.label,
            )
            raise OutsideYourObjects
        passage.vetted.add((type(row), row.pk))
    passage.rule_ran = True


def _stored(serializer: BaseSerializer[Any]) -> list[models.Model]:
    instance = serializer.instance
    if isinstance(instance, models.Model):
        return [instance] if instance.pk is not None else []
    return list(instance) if isinstance(instance, (list, tuple, models.QuerySet)) else []


def _database(serializer: Any) -> str | None:
    child = getattr(serializer, "child", serializer)
    model = getattr(getattr(child, "Meta", None), "model", None)
    return router.db_for_write(model) if model is not None else None
