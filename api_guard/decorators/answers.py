"""Stands by the handler: an answer that the object rule had no part in is refused."""

from __future__ import annotations

import functools
import logging
from contextlib import nullcontext
from typing import TYPE_CHECKING, Any

from django.db import router, transaction
from rest_framework.request import Request
from rest_framework.views import APIView

from api_guard.core.policy import Operation
from api_guard.decorators.saving import watched_saves
from api_guard.endpoints import dotted_path, model_of
from api_guard.exceptions import UncheckedObject

if TYPE_CHECKING:
    from api_guard.decorators.passage import Passage

logger = logging.getLogger("api_guard")


def answer_within_rule(passage: Passage, request: Request) -> None:
    """Put the check around the handler that DRF is about to call, where there is an object rule."""
    view, rule = passage.view, passage.rule
    if rule is None or rule.is_any:
        return
    name = str(request.method).lower()
    handler = getattr(view, name, None)
    if handler is None or name not in view.http_method_names:
        return
    if getattr(handler, "__func__", None) is APIView.options:
        return  # DRF's own description of the view shows no object
    operation = passage.operation(request)
    # An instance attribute, as DRF's ViewSets bind theirs: dispatch() looks the handler up by name.
    setattr(view, name, functools.partial(_answer, passage, operation, handler))


def _answer(
    passage: Passage,
    operation: Operation,
    handler: Any,
    request: Request,
    *args: Any,
    **kwargs: Any,
) -> Any:
    model = model_of(type(passage.view))
    using = router.db_for_write(model) if model is not None else None
    writes = transaction.atomic(using=using) if operation.slot == "write" else nullcontext()
    with writes, watched_saves(passage):
        response = handler(request, *args, **kwargs)
        if getattr(response, "status_code", 500) < 400 and not passage.rule_ran:
            _refuse(passage.view, operation)
    return response


def _refuse(view: Any, operation: Operation) -> None:
    name = operation.action or operation.method
    logger.error(
        "%s answered %s without its object rule: take the object from self.get_object() or "
        "self.get_queryset(), or call self.check_object_permissions(request, obj); "
        'where it concerns no object of anyone, say @guard(objects={"%s": ANY_OBJECT}).',
        dotted_path(type(view)),
        name,
        name,
    )
    raise UncheckedObject
