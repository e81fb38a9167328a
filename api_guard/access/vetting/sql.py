"""Stands around each statement that a request executes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, Protocol

from django.db import connections
from django.db.backends.signals import connection_created

from api_guard.access.vetting.answering import before_statement
from api_guard.access.vetting.current import current
from api_guard.access.vetting.undoing import forget_caught


class Listener(Protocol):
    """Who is told."""

    def before(self, sql: str) -> None:
        """A statement is about to be executed. What this raises, its caller gets."""

    def after(self, sql: str, context: Mapping[str, Any]) -> None:
        """A statement was executed."""


# `connection.execute_wrapper()` is for one thread's connection; an async handler uses another's.
_listeners: ContextVar[tuple[Listener, ...]] = ContextVar("api_guard_listeners", default=())


@contextmanager
def listening(listener: Listener) -> Iterator[None]:
    """Tell `listener` of each statement, on whichever connection."""
    token = _listeners.set((*_listeners.get(), listener))
    try:
        yield
    finally:
        _listeners.reset(token)


def tell(
    execute: Callable[..., Any], sql: Any, params: Any, many: bool, context: dict[str, Any]
) -> Any:
    """Stand around every statement of a connection."""
    listeners, vetting = _listeners.get(), current()
    if not listeners and vetting is None:
        return execute(sql, params, many, context)
    text = str(sql)
    if vetting is not None:
        connection = context["connection"]
        forget_caught(connection)
        before_statement(vetting, text, params, connection)
    for listener in listeners:
        listener.before(text)
    result = execute(sql, params, many, context)
    for listener in listeners:
        listener.after(text, context)
    return result


def listen_to_connections() -> None:
    """Put `tell` around the statements of every connection, now and to come."""
    connection_created.connect(_on_connection, dispatch_uid="api_guard.sql")
    for connection in connections.all(initialized_only=True):
        _on_connection(None, connection)


def _on_connection(sender: Any, connection: Any, **_: object) -> None:
    del sender
    if tell not in connection.execute_wrappers:
        # First: `execute_wrapper()` takes off the last, whosever it is.
        connection.execute_wrappers.insert(0, tell)
