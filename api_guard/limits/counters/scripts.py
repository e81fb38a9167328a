"""Runs a script on Redis, by as short a way as the client has."""

from __future__ import annotations

import os
from collections.abc import Iterable
from importlib import import_module
from types import FunctionType
from typing import Any

from api_guard.limits.counters.clients import library_of


class Script:
    """A script that a Redis server keeps.

    A command that goes through the client costs more than its round trip: a pool, retries, of which
    there are none here, and measurements. Where the client and its pool are redis-py's or
    valkey-py's own, and nobody has put anything around its commands, a connection is kept here
    and given the command.
    """

    def __init__(self, client: Any, text: str) -> None:
        self._kept = client.register_script(text)
        library = import_module(f"{library_of(client)}.exceptions")
        self._forgotten: type[Exception] = library.NoScriptError
        self._pool = client.connection_pool if _is_plain(client) else None
        # A list, for its pop() and append() are each one step, whichever thread takes it.
        self._idle: list[Any] = []
        self._pid = os.getpid()

    def __call__(self, keys: list[str], arguments: list[bytes]) -> Any:
        """Run it in one round trip. Raises what the client raises."""
        if self._pool is not None:
            connection = self._take()
            try:
                connection.send_packed_command([self._command(connection, keys, arguments)])
                answer = connection.read_response()
            except self._forgotten:
                self._idle.append(connection)  # the server has begun anew, or has failed over
            except BaseException:
                # An answer that comes too late must not be taken for that of the next command.
                connection.disconnect()
                self._idle.append(connection)
                raise
            else:
                self._idle.append(connection)
                return answer
        return self._kept(keys=keys, args=arguments)

    def _take(self) -> Any:
        if self._pid != os.getpid():
            # What was opened before a fork belongs to the other process.
            self._idle, self._pid = [], os.getpid()
        try:
            connection = self._idle.pop()
        except IndexError:
            pool: Any = self._pool
            return pool.connection_class(**pool.connection_kwargs)
        try:
            is_stale = connection.can_read()
        except Exception:  # noqa: BLE001  # whatever it is, the connection is of no use any more
            is_stale = True
        if is_stale:
            connection.disconnect()  # the server has closed it; the next command opens it again
        return connection

    def _command(self, connection: Any, keys: list[str], arguments: list[bytes]) -> bytes:
        encoder = connection.encoder
        encoding, errors = encoder.encoding, encoder.encoding_errors
        encoded = [key.encode(encoding, errors) for key in keys]
        parts = [b"EVALSHA", self._kept.sha.encode(), b"%d" % len(keys)]
        return _packed([*parts, *encoded, *arguments])


def _packed(parts: Iterable[bytes]) -> bytes:
    """Return a command as it is sent (the Redis serialization protocol)."""
    sent = [b"$%d\r\n%b\r\n" % (len(part), part) for part in parts]
    return b"*%d\r\n%b" % (len(sent), b"".join(sent))


def _is_plain(client: Any) -> bool:
    name = library_of(client)
    library: Any = import_module(name)
    plain = library.Valkey if name == "valkey" else library.Redis
    execute: Any = plain.execute_command
    return (
        type(client) is plain
        and type(execute) is FunctionType
        and execute.__module__ == f"{name}.client"
        and client.connection is None
        and type(client.connection_pool) is library.ConnectionPool
        and getattr(client.connection_pool, "cache", None) is None
    )
