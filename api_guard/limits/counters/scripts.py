"""Runs a script on Redis, in the fastest way that the client allows."""

from __future__ import annotations

import os
import select
import socket
from collections.abc import Sequence
from functools import lru_cache
from importlib import import_module
from types import FunctionType
from typing import Any

from api_guard.limits.counters.clients import library_of

# An answer of so many bytes is read in one piece.
_SHORT = 4096


class Script:
    """A script that a Redis server keeps.

    A command that goes through the client costs more than its round trip: the client adds a pool,
    retries (not used here) and measurements. So this class keeps a connection and sends the command
    itself. It does so only if the client and its pool are the plain ones of redis-py or valkey-py,
    and no other code has wrapped the commands.
    """

    def __init__(self, client: Any, text: str) -> None:
        self._kept = client.register_script(text)
        library = import_module(f"{library_of(client)}.exceptions")
        self._forgotten: type[Exception] = library.NoScriptError
        self._pool = client.connection_pool if _is_plain(client) else None
        # A list, because its pop() and append() are atomic: several threads use it.
        self._idle: list[Any] = []
        self._pid = os.getpid()

    def __call__(self, keys: list[str], arguments: tuple[bytes, ...]) -> Any:
        """Run it in one round trip. Raises the exceptions of the client."""
        if self._pool is not None:
            connection = self._take()
            try:
                connection.send_packed_command([self._command(connection, keys, arguments)])
                answer = _answer(connection)
            except self._forgotten:
                self._idle.append(connection)  # the server has restarted or failed over
            except BaseException:
                # A late answer must not be read as the answer of the next command.
                connection.disconnect()
                self._idle.append(connection)
                raise
            else:
                self._idle.append(connection)
                return answer
        return self._kept(keys=keys, args=arguments)

    def _take(self) -> Any:
        if self._pid != os.getpid():
            # Connections that were opened before a fork belong to the other process.
            self._idle, self._pid = [], os.getpid()
        try:
            connection = self._idle.pop()
        except IndexError:
            pool: Any = self._pool
            return pool.connection_class(**pool.connection_kwargs)
        try:
            is_stale = _can_read(connection)
        except Exception:  # noqa: BLE001  # whatever the error is, the connection is useless now
            is_stale = True
        if is_stale:
            connection.disconnect()  # the server has closed it; the next command opens it again
        return connection

    def _command(self, connection: Any, keys: Sequence[str], arguments: tuple[bytes, ...]) -> bytes:
        encoder = connection.encoder
        encoding, errors = encoder.encoding, encoder.encoding_errors
        parts = (b"EVALSHA", self._kept.sha.encode(), b"%d" % len(keys))
        encoded = _packed([key.encode(encoding, errors) for key in keys])
        count = len(parts) + len(keys) + len(arguments)
        return b"*%d\r\n%b%b%b" % (count, _packed_once(parts), encoded, _packed_once(arguments))


def _packed(parts: Sequence[bytes]) -> bytes:
    """Return parts of a command in the Redis serialization protocol."""
    return b"".join([b"$%d\r\n%b\r\n" % (len(part), part) for part in parts])


@lru_cache(maxsize=1024)
def _packed_once(parts: tuple[bytes, ...]) -> bytes:
    # All requests with the same rates have the same arguments. Only their keys differ.
    return _packed(parts)


def _can_read(connection: Any) -> Any:
    """Whether an idle connection has something to read, which means that it is useless."""
    plain = _plain_socket(connection)
    if plain is None:
        return connection.can_read()
    # The client would ask by a read with another timeout: three system calls instead of one.
    poll = select.poll()
    poll.register(plain, select.POLLIN)
    return poll.poll(0)


def _answer(connection: Any) -> Any:
    """Return the answer to the command that was sent."""
    plain = _plain_socket(connection)
    if plain is not None:
        seen = plain.recv(_SHORT, socket.MSG_PEEK)
        length, end, text = seen[1:].partition(b"\r\n")
        is_text = seen[:1] == b"$" and length.isdigit() and text.endswith(end)
        if is_text and end and len(text) == int(length) + len(end):
            plain.recv(len(seen))  # the client has not read anything of it
            return text[:-2]
    return connection.read_response()


def _plain_socket(connection: Any) -> socket.socket | None:
    """Return the socket of an open connection; None if it is encrypted or not supported here."""
    found = getattr(connection, "_sock", None)
    return found if type(found) is socket.socket and hasattr(select, "poll") else None


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
