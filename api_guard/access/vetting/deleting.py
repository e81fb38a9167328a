"""Checks the deletion of objects at its origin; cascaded deletions are not checked again."""

from __future__ import annotations

import logging
from functools import cache
from typing import Any

from django.db.models import Model, Q, QuerySet
from django.db.models.signals import pre_delete

from api_guard.access import ownership
from api_guard.access.endpoints import dotted_path
from api_guard.access.failures import failures_as_refusals
from api_guard.access.vetting.current import current
from api_guard.access.vetting.databases import written_to
from api_guard.access.vetting.judging import is_held, is_of_others
from api_guard.access.vetting.reading import vet
from api_guard.access.vetting.record import Vetting
from api_guard.access.vetting.undoing import nothing_executed
from api_guard.exceptions import OutsideYourObjects

logger = logging.getLogger("api_guard")


@cache
def watch_deletes(model: type[Model]) -> None:
    """Check deletes of `model`, and of models that share its rows, from now on.

    Only these models: if a model has a receiver, Django loads the rows that it deletes.
    """
    for each in ownership.relatives(model):
        pre_delete.connect(_before_delete, sender=each, dispatch_uid="api_guard.before_delete")


def _before_delete(
    sender: Any, instance: Model, using: str | None = None, origin: Any = None, **_: object
) -> None:
    vetting = current()
    if vetting is None or not is_held(vetting, sender):
        return
    if any(origin is each for each in vetting.judged):
        return
    using = written_to(instance, using)
    with nothing_executed(using, 1):
        if isinstance(origin, QuerySet):
            if issubclass(sender, origin.model) or not is_held(vetting, origin.model):
                vetting.judged.append(origin)
                _judge_all(vetting, origin, using)
        elif origin is None or origin is instance:
            _judge_one(vetting, instance, using)
        elif not is_held(vetting, origin.__class__):
            # A cascade from another model may delete objects with a rule.
            vetting.judged.append(origin)
            _judge_one(vetting, origin, using)


def _judge_one(vetting: Vetting, instance: Model, using: str) -> None:
    if vetting.root(instance.__class__) is not None:
        vet(vetting, instance, using=using, on_failure=OutsideYourObjects)
        vetting.has_run = True
        vetting.gone.append(instance)
        return
    model: Any = instance.__class__
    rows = model._base_manager.using(using).filter(pk=instance.pk)
    _refuse_outside(vetting, rows, _allowed(vetting, model))


def _judge_all(vetting: Vetting, origin: QuerySet[Any], using: str) -> None:
    rule = vetting.rule
    if vetting.root(origin.model) is None:
        _refuse_outside(vetting, origin.using(using), _allowed(vetting, origin.model))
        return
    if rule is None or ownership.is_marked(origin.query, rule.key):
        vetting.has_run = vetting.has_vetted = True
        return
    # The rule is about the model of the view, which may be a parent or a child of this one.
    own: Any = vetting.model
    allowed = vetting.allowed(rule, own)
    if allowed is not None and allowed is not ownership.NO_OBJECT:
        allowed = Q(pk__in=own._base_manager.filter(allowed).values("pk"))
    _refuse_outside(vetting, origin.using(using), allowed)
    vetting.has_run = vetting.has_vetted = True


def _allowed(vetting: Vetting, model: type[Model]) -> Q | None:
    view_class = type(vetting.view)
    if is_of_others(vetting, model):  # as for a save: what the caller may delete by another view
        if not ownership.is_ruled(model, view_class):
            return None
    elif ownership.is_anybodys(model, view_class):
        # It may go with what the caller deletes, also if no view deletes it alone.
        return None
    with failures_as_refusals(vetting.view, "the object rule"):
        return ownership.allowed_by_views(model, vetting.asking, ownership.DELETING)


def _refuse_outside(vetting: Vetting, rows: QuerySet[Any], allowed: Q | None) -> None:
    if allowed is None or not rows.exclude(allowed).exists():
        return
    logger.warning(
        "%s: %s would have deleted a %s outside its objects.",
        dotted_path(type(vetting.view)),
        vetting.caller,
        rows.model._meta.label,
    )
    raise OutsideYourObjects
