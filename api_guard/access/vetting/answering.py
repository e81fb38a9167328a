"""Refuses an answer without the object rule, and a write before the rule has run."""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from django.db.models import Model
from django.db.models.signals import post_init
from django.http import FileResponse, StreamingHttpResponse

from api_guard.access import ownership
from api_guard.access.endpoints import dotted_path
from api_guard.access.vetting.current import current, is_unheld
from api_guard.access.vetting.handing import refuse_hand_over
from api_guard.access.vetting.reading import settle, vet
from api_guard.access.vetting.record import Vetting
from api_guard.access.vetting.sets import refuse_unowned
from api_guard.access.vetting.undoing import nothing_executed
from api_guard.core.operations import Operation
from api_guard.exceptions import UncheckedObject

logger = logging.getLogger("api_guard")

_MOST_LOADED = 1000
_watched: set[type[Model]] = set()
# Django's own: INSERT INTO "t" (…), UPDATE "t" SET …, DELETE FROM "t" …, DELETE "t" FROM "t" …
_WRITE = re.compile(
    r"\s*(?:INSERT(?: IGNORE| OR IGNORE)? INTO|UPDATE|DELETE FROM|DELETE) "
    r"(?P<quote>[\"`])(?P<table>(?:(?!(?P=quote)).)+)(?P=quote)"
)


def before_statement(vetting: Vetting, sql: str, params: Any, connection: Any) -> None:
    """Refuse a write to the tables of the view before the rule has run, or a transfer of ownership.

    Checks that had to wait for the event loop run before any write. Raises UncheckedObject,
    OutsideYourObjects, HiddenObject.
    """
    write = _WRITE.match(sql)
    if write is not None and vetting.pending:
        with nothing_executed(connection.alias, 0):
            settle(vetting)
    if vetting.model is None or vetting.rule is None or is_unheld(vetting.model):
        return
    tables = ownership.tables(vetting.model)
    if write is None:
        if not vetting.has_run and not vetting.has_read:
            quote = connection.ops.quote_name
            vetting.has_read = any(quote(table) in sql for table in tables)
    elif write["table"] not in tables:
        if not vetting.has_run and not write["table"].startswith("api_guard_"):
            vetting.written.add(write["table"])
    elif not vetting.is_saving:
        # bulk_create() opens its own transaction.
        blocks = int(sql.lstrip().startswith("INSERT"))
        with nothing_executed(connection.alias, blocks):
            if not vetting.has_run:
                refuse_unchecked(vetting, vetting.operation)
            if sql.lstrip().startswith("UPDATE"):
                refuse_hand_over(vetting, vetting.model, sql, params, connection)


def watch_loads(model: type[Model]) -> None:
    """Remember the objects of `model` that a handler loads before its object rule has run."""
    if model not in _watched:
        for each in ownership.relatives(model):
            post_init.connect(_on_load, sender=each, dispatch_uid="api_guard.on_load")
        _watched.add(model)


def _on_load(sender: Any, instance: Model, **_: object) -> None:
    del sender
    vetting = current()
    if vetting is not None and not vetting.has_vetted and len(vetting.loaded) <= _MOST_LOADED:
        vetting.loaded.append(instance)


def conclude(vetting: Vetting, operation: Operation, response: Any) -> None:
    """Raise UncheckedObject for a success without the object rule.

    The rule ran if it checked an object, or if it narrowed a queryset and no other object was
    loaded. There was also nothing to refuse if all loaded objects belong to the caller, or if
    nothing of the view's model was used and nothing is shown.
    """
    if getattr(response, "status_code", 500) >= 400:
        return
    refuse_unowned(vetting)
    if not vetting.is_open:
        return
    if _has_loaded_its_own(vetting):
        return
    if vetting.model is not None and not vetting.has_read and is_lazy(response):
        return
    is_harmless = vetting.model is not None or operation.slot == "read"
    if vetting.has_read or not is_harmless or not _shows_nothing(response):
        refuse_unchecked(vetting, operation)


def has_concluded(vetting: Vetting, *, is_last: bool) -> bool:
    """Whether the current parts of a stream may be sent. Raises UncheckedObject if they must not.

    A part may come before any object is read, such as the first line of a table. It waits until the
    object rule has run for a later part.
    """
    if not vetting.is_open or _has_loaded_its_own(vetting):
        return True
    if is_last or vetting.has_read:
        refuse_unchecked(vetting, vetting.operation)
    return False


def is_lazy(response: Any) -> bool:
    """Whether an answer is a stream, whose parts are checked one by one."""
    return isinstance(response, StreamingHttpResponse) and not isinstance(response, FileResponse)


def _has_loaded_its_own(vetting: Vetting) -> bool:
    """Whether objects were loaded, and all of them belong to the caller."""
    loaded = vetting.loaded_rows()
    if not loaded or len(vetting.loaded) > _MOST_LOADED:
        return False
    with suppress(UncheckedObject):
        vet(vetting, *loaded, on_failure=UncheckedObject)
        return True
    return False


def _shows_nothing(response: Any) -> bool:
    if hasattr(response, "data"):
        return _is_empty(response.data)
    return not response.streaming and not getattr(response, "content", b"")


def _is_empty(data: object) -> bool:
    """Whether data has only empty lists and zeros, as a page without results."""
    if isinstance(data, Mapping):
        return all(_is_empty(value) for value in data.values())
    return not isinstance(data, bool) and not data


def refuse_unchecked(vetting: Vetting, operation: Operation) -> None:
    """Log the fix, and raise UncheckedObject."""
    name = operation.action or operation.method
    logger.error(
        "%s answered %s without its object rule: take the object from self.get_object() or "
        "self.get_queryset(), or call self.check_object_permissions(request, obj); "
        'if the answer shows no objects, write @guard(objects={"%s": ANY_OBJECT}).%s',
        dotted_path(type(vetting.view)),
        name,
        name,
        f" Already written: {', '.join(sorted(vetting.written))}." if vetting.written else "",
    )
    raise UncheckedObject
