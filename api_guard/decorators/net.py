"""Stands around the handler: a client's value that breaks it is a 400, a bug stays a 500."""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from typing import Any

from django.db import connections
from rest_framework.exceptions import APIException

from api_guard.access.endpoints import dotted_path
from api_guard.access.vetting import is_untouched, listening, was_untouched
from api_guard.core.policy import SAFE_METHODS
from api_guard.exceptions import InvalidValue
from api_guard.input.client_errors import (
    SUSPECTS,
    UnreadableError,
    is_of_client,
    unreadable_of_client,
)
from api_guard.parsers.reading import refused_limits

logger = logging.getLogger("api_guard")

_STORES = ("INSERT", "UPDATE")
_WRITES = (*_STORES, "DELETE", "MERGE", "REPLAC")


class Net:
    """The net around one handler; it learns whether anything was stored for good."""

    def __init__(self, view: Any, request: Any) -> None:
        self._view = view
        self._request = request
        self._has_stored = False
        # What was written inside a transaction around the handler is undone with it.
        opened = connections.all(initialized_only=True)
        # Those that were marked before are none of this handler's.
        whole = [each for each in opened if not each.needs_rollback]
        self._depths = {each.alias: len(each.atomic_blocks) for each in whole}
        self._has_written: set[str] = set()

    @contextmanager
    def catching(self) -> Iterator[None]:
        """Raise InvalidValue in the place of an exception that a client's value caused."""
        writes = self._request.method not in SAFE_METHODS
        try:
            with refused_limits(), listening(self) if writes else ExitStack():
                yield
        except SUSPECTS as error:
            # What is stored cannot be undone here, and a 400 would say that nothing was.
            if self._has_stored or not self._is_of_client(error):
                raise
            logger.warning(
                "%s: %s %s got a value that it cannot use: %s.",
                dotted_path(type(self._view)),
                self._request.method,
                self._request.path_info,
                type(error).__name__,
            )
            self._forget_mark(error)
            raise InvalidValue from error
        except APIException as refusal:
            if was_untouched(refusal):
                self._forget_mark(refusal)
            raise

    def _is_of_client(self, error: Exception) -> bool:
        is_known = isinstance(error, UnreadableError)
        return is_known or is_of_client(error, self._request, self._view)

    def _forget_mark(self, error: Exception) -> None:
        """Leave a transaction around the handler usable, where nothing was written in it.

        Django marks it as broken when an exception passes through a save, whatever came before.
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
        """Raise UnreadableError where a value of the client would break each page that shows it.

        What the view itself stores is its own affair.
        """
        if sql.lstrip()[:6].upper() not in _STORES:
            return
        name = unreadable_of_client(sys._getframe(), self._request, self._view)
        if name is not None:
            raise UnreadableError(f"{name} could not be read again.")

    def after(self, sql: str, context: Mapping[str, Any]) -> None:
        """Remember that something was stored: at once, or when its transaction is committed."""
        connection = context["connection"]
        if sql.lstrip()[:6].upper() not in _WRITES:
            return
        self._has_written.add(connection.alias)
        # What was written inside a transaction around the handler is undone with it.
        if not self._depths.get(connection.alias):
            connection.on_commit(self._store)

    def _store(self) -> None:
        self._has_stored = True
