"""Stands around the handler: a client's value that breaks it is a 400, a bug stays a 500."""

from __future__ import annotations

import functools
import logging
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any

from django.db import connections, router, transaction
from rest_framework.request import Request

from api_guard.blame import SUSPECTS, is_of_client
from api_guard.endpoints import dotted_path
from api_guard.exceptions import InvalidValue
from api_guard.parsers.reading import refusals

if TYPE_CHECKING:
    from api_guard.decorators.passage import Passage

logger = logging.getLogger("api_guard")

_WRITES = ("INSERT", "UPDATE", "DELETE", "MERGE", "REPLAC")


def hold_net(passage: Passage, request: Request) -> None:
    """Put the net around the handler that DRF is about to call."""
    view = passage.view
    name = str(request.method).lower()
    handler = getattr(view, name, None)
    if handler is not None and name in view.http_method_names:
        setattr(view, name, functools.partial(_caught, passage, handler))


def _caught(passage: Passage, handler: Any, request: Request, *args: Any, **kwargs: Any) -> Any:
    watch = _Watch()
    writes = passage.operation(request).slot == "write"
    try:
        with refusals(), watch.watching() if writes else ExitStack():
            return handler(request, *args, **kwargs)
    except SUSPECTS as error:
        # What is stored cannot be undone here, and a 400 would say that nothing was.
        if watch.has_stored or not is_of_client(error, request, passage.view):
            raise
        logger.warning(
            "%s: %s %s was given a value that it cannot work with: %s.",
            dotted_path(type(passage.view)),
            request.method,
            request.path_info,
            type(error).__name__,
        )
        raise InvalidValue from error


def save_whole(serializer: Any) -> None:
    """Have `serializer.save()` store all or nothing."""
    save = getattr(serializer, "save", None)
    if save is None:
        return
    child = getattr(serializer, "child", serializer)
    model = getattr(getattr(child, "Meta", None), "model", None)
    if model is not None:
        serializer.save = transaction.atomic(using=router.db_for_write(model))(save)


class _Watch:
    """Learns whether anything was stored for good, which it is not inside a transaction."""

    def __init__(self) -> None:
        self.has_stored = False

    @contextmanager
    def watching(self) -> Iterator[None]:
        with ExitStack() as stack:
            for connection in connections.all():
                if not connection.in_atomic_block:
                    stack.enter_context(connection.execute_wrapper(self))
            yield

    def __call__(self, execute: Any, sql: Any, params: Any, many: bool, context: Any) -> Any:
        result = execute(sql, params, many, context)
        if str(sql).lstrip()[:6].upper() in _WRITES:
            # At once, unless the handler opened a transaction; then once that is committed.
            context["connection"].on_commit(self._stored)
        return result

    def _stored(self) -> None:
        self.has_stored = True
