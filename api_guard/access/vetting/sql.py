"""Wraps each statement that a request executes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from typing import Any, Protocol

from django.db import connections
from django.db.backends.signals import connection_created

from api_guard.access.vetting.answering import before_statement
from api_guard.access.vetting.current import current
from api_guard.access.vetting.undoing import forget_caught


class Listener(Protocol):
    """Receives the statements."""

    def before(self, sql: str) -> None:
        """A statement is about to be executed. An exception here reaches its caller."""

    def after(self, sql: str, context: Mapping[str, Any]) -> None:
        """A statement was executed."""


# `connection.execute_wrapper()` wraps the connection of one thread; an async handler uses others.
_listeners: ContextVar[tuple[Listener, ...]] = ContextVar("api_guard_listeners", default=())


@contextmanager
def listening(listener: Listener) -> Iterator[None]:
    """Report each statement on every connection to `listener`."""
    token = _listeners.set((*_listeners.get(), listener))
    try:
        yield
    finally:
        _listeners.reset(token)


def tell(
    execute: Callable[..., Any], sql: Any, params: Any, many: bool, context: dict[str, Any]
) -> Any:
    """Wrap every statement of a connection."""
    listeners, vetting = _listeners.get(), current()
    if not listeners and vetting is None:
        return execute(sql, params, many, context)
    text = text_of(sql, context["connection"])
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


def text_of(sql: Any, connection: Any) -> str:
    """Return a statement as text: psycopg also executes bytes and composed statements."""
    if isinstance(sql, str):
        return sql
    if isinstance(sql, bytes):
        return sql.decode(errors="replace")
    with suppress(Exception):  # to execute it fails as well
        return str(sql.as_string(connection.connection))
    return str(sql)


def listen_to_connections() -> None:
    """Put `tell` around the statements of all connections, present and future."""
    connection_created.connect(_on_connection, dispatch_uid="api_guard.sql")
    for connection in connections.all(initialized_only=True):
        _on_connection(None, connection)


def _on_connection(sender: Any, connection: Any, **_: object) -> None:
    del sender
    if tell not in connection.execute_wrappers:
        # First, because `execute_wrapper()` removes the last wrapper.
        connection.execute_wrappers.insert(0, tell)
