"""An HTTP client with one deadline per request: for connection, TLS and response together."""

from __future__ import annotations

import io
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, cast

import urllib3
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

# By context, because a connection is reused for the next request, which has its own deadline.
_ends: ContextVar[float] = ContextVar("api_guard_deadline")


@contextmanager
def within(seconds: float) -> Iterator[None]:
    """Let the pool raise TimeoutError for everything in this block that takes longer."""
    token = _ends.set(time.monotonic() + seconds)
    try:
        yield
    finally:
        _ends.reset(token)


def pool_manager() -> urllib3.PoolManager:
    """Return a pool of connections that keep the deadline of `within`. It uses no proxy.

    The deadline does not include DNS, because the resolver has its own timeouts.
    """
    manager = urllib3.PoolManager(num_pools=4, maxsize=16, retries=False)
    manager.pool_classes_by_scheme = {"http": _HTTPPool, "https": _HTTPSPool}
    return manager


def _left() -> float:
    left = _ends.get() - time.monotonic()
    if left <= 0:
        raise TimeoutError("the time is over")
    return left


class _Reader(io.RawIOBase):
    """Waits for each read only until the deadline. A plain socket starts a new timeout per read."""

    def __init__(self, connection: socket.socket) -> None:
        self._socket = connection
        # Keeps the connection open until the response is read, as http.client needs it.
        self._raw = cast(io.RawIOBase, connection.makefile("rb", buffering=0))

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        self._socket.settimeout(_left())
        return self._raw.readinto(buffer)

    def close(self) -> None:
        self._raw.close()
        super().close()


class _Socket:
    """A socket that `_Reader` reads."""

    def __init__(self, connection: socket.socket) -> None:
        self._socket = connection

    def makefile(self, *_: Any, **__: Any) -> io.BufferedReader:
        return io.BufferedReader(_Reader(self._socket))

    def sendall(self, data: Any) -> None:
        self._socket.settimeout(_left())
        self._socket.sendall(data)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._socket, name)


class _Timed:
    """The common part of both kinds of connection."""

    sock: Any
    host: str
    port: int

    def _new_conn(self) -> socket.socket:
        failure: OSError = OSError("the host has no address")
        for family, kind, protocol, _, address in socket.getaddrinfo(
            self.host.strip("[]"), self.port, type=socket.SOCK_STREAM
        ):
            connection = socket.socket(family, kind, protocol)
            try:
                connection.settimeout(_left())
                connection.connect(address)
                connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                connection.settimeout(_left())  # for the TLS handshake
            except OSError as error:
                connection.close()
                failure = error
            else:
                return connection
        raise failure

    def connect(self) -> None:
        super().connect()  # type: ignore[misc]
        self.sock = _Socket(self.sock)


class _HTTPConnection(_Timed, HTTPConnection):
    pass


class _HTTPSConnection(_Timed, HTTPSConnection):
    pass


class _HTTPPool(HTTPConnectionPool):
    ConnectionCls = _HTTPConnection


class _HTTPSPool(HTTPSConnectionPool):
    ConnectionCls = _HTTPSConnection
