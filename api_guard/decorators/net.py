"""Wraps the handler: if a client's value breaks it, the answer is 400; a bug stays a 500."""

from __future__ import annotations

import logging
import re
import sys
from collections.abc import Mapping
from contextlib import AbstractContextManager
from typing import Any, NoReturn

from django.core.exceptions import ValidationError
from django.db import connections
from rest_framework.exceptions import APIException

from api_guard import grants
from api_guard.access.endpoints import dotted_path
from api_guard.access.vetting import is_untouched, listening, was_untouched
from api_guard.core.operations import SAFE_METHODS
from api_guard.exceptions import GuardError, InvalidValue, Unrecorded
from api_guard.input.client_errors import (
    SUSPECTS,
    UnreadableError,
    is_of_client,
    unreadable_of_client,
)
from api_guard.models import is_unrecorded
from api_guard.parsers.reading import refusal_of

logger = logging.getLogger("api_guard")

_CAUGHT: tuple[type[Exception], ...] = (GuardError, *SUSPECTS)
_STORES = ("INSERT", "UPDATE")
_WRITES = (*_STORES, "DELETE", "MERGE", "REPLAC")
# A common table expression or a comment may come before the write.
_BEFORE = ("WITH", "/*", "--")
# SELECT ... FOR UPDATE and the function REPLACE() store nothing.
_ANY_WRITE = re.compile(
    r"\b(?:INSERT|(?<!FOR )(?<!FOR NO KEY )UPDATE|DELETE|MERGE|REPLACE\s+INTO)\b", re.IGNORECASE
)


def is_write(sql: str) -> bool:
    """Whether a statement may store something."""
    start = sql.lstrip()[:6].upper()
    return start in _WRITES or (start.startswith(_BEFORE) and _ANY_WRITE.search(sql) is not None)


class Net:
    """The net around one handler, a context manager. It notices what was stored permanently."""

    def __init__(self, view: Any, request: Any) -> None:
        self._view = view
        self._request = request
        self._has_stored = False
        self._listening: AbstractContextManager[None] | None = None
        # Writes inside a transaction around the handler are undone with it.
        opened = connections.all(initialized_only=True)
        # Transactions that were already marked as broken have nothing to do with this handler.
        whole = [each for each in opened if not each.needs_rollback]
        self._depths = {each.alias: len(each.atomic_blocks) for each in whole}
        self._has_written: set[str] = set()

    def __enter__(self) -> None:
        if self._request.method not in SAFE_METHODS:
            self._listening = listening(self)
            self._listening.__enter__()

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        """Replace an exception that a client's value caused, and that of an unrecorded write."""
        if self._listening is not None:
            self._listening.__exit__(None, None, None)
        if error is None:
            return
        refusal = refusal_of(error)
        if refusal is not None:
            raise refusal from None
        if isinstance(error, _CAUGHT):
            self._judge(error)
        elif isinstance(error, APIException) and was_untouched(error):
            self._forget_mark(error)

    def _judge(self, error: Exception) -> None:
        if is_unrecorded(error):
            self._refuse_unrecorded(error)
        if isinstance(error, grants.GrantError):
            self._refuse_grant(error)
        # Stored data cannot be undone here, and a 400 would say that nothing was stored.
        if self._has_stored or not self._is_of_client(error):
            return
        logger.warning(
            "%s: %s %s got a value that it cannot use: %s.",
            dotted_path(type(self._view)),
            self._request.method,
            self._request.path_info,
            type(error).__name__,
        )
        self._forget_mark(error)
        raise InvalidValue from error

    def _refuse_unrecorded(self, error: Exception) -> NoReturn:
        """Refuse a write that would leave no record. No value of the client makes it right."""
        if self._has_stored:
            raise error
        logger.error(
            "%s: %s %s was refused. %s",
            dotted_path(type(self._view)),
            self._request.method,
            self._request.path_info,
            " ".join(error.messages) if isinstance(error, ValidationError) else error,
        )
        self._forget_mark(error)
        raise Unrecorded from error

    def _refuse_grant(self, error: grants.GrantError) -> NoReturn:
        """Refuse what a function of `api_guard.grants` has refused; it has changed nothing."""
        logger.warning(
            "%s: %s %s was refused. %s",
            dotted_path(type(self._view)),
            self._request.method,
            self._request.path_info,
            error,
        )
        self._forget_mark(error)
        raise grants.refusal_of(error) from error

    def _is_of_client(self, error: Exception) -> bool:
        is_known = isinstance(error, UnreadableError)
        return is_known or is_of_client(error, self._request, self._view)

    def _forget_mark(self, error: Exception) -> None:
        """Keep a transaction around the handler usable if nothing was written in it.

        Django marks it as broken when an exception passes through a save, even without a write.
        """
        for each in connections.all(initialized_only=True):
            connection: Any = each
            depth = self._depths.get(connection.alias)
            if connection.needs_rollback and depth == len(connection.atomic_blocks):
                is_clean = connection.alias not in self._has_written
                if is_clean or is_untouched(error, connection):
                    connection.needs_rollback = False
                    connection.rollback_exc = None

    def before(self, sql: str) -> None:
        """Raise UnreadableError if a value of the client would break every page that shows it.

        Values that the view itself makes are not checked.
        """
        if sql.lstrip()[:6].upper() not in _STORES:
            return
        name = unreadable_of_client(sys._getframe(), self._request, self._view)
        if name is not None:
            raise UnreadableError(f"{name} could not be read again.")

    def after(self, sql: str, context: Mapping[str, Any]) -> None:
        """Remember that something was stored: now, or when its transaction is committed."""
        connection = context["connection"]
        if not is_write(sql):
            return
        self._has_written.add(connection.alias)
        # Writes inside a transaction around the handler are undone with it.
        if not self._depths.get(connection.alias):
            connection.on_commit(self._store)

    def _store(self) -> None:
        self._has_stored = True
