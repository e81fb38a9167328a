"""Leaves a question with a server that hangs, to learn without waiting when it is back."""

from __future__ import annotations

import socket
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

# Redis answers +PONG or asks for a password, Memcached answers ERROR, a TLS port hangs up.
_QUESTION = b"PING\r\n"
_MOMENT = 0.02


@dataclass(frozen=True)
class Place:
    """Where a server listens: an address family and an address."""

    family: socket.AddressFamily
    address: Any


def place_of(host: str, port: int) -> Place | None:
    """Return where a host listens, or None if its name is unknown."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except OSError:
        return None
    return Place(found[0][0], found[0][4])


def place_of_socket(path: str) -> Place:
    """Return where a Unix socket listens."""
    return Place(socket.AF_UNIX, path)


class Knock:
    """A separate connection, on which no request waits longer than a moment."""

    def __init__(self, place: Place) -> None:
        self._socket = socket.socket(place.family, socket.SOCK_STREAM)
        self._socket.setblocking(False)
        self._socket.connect_ex(place.address)
        self._has_asked = False
        with suppress(OSError):  # not connected yet: the first is_answered() asks
            self._ask()
        self._socket.settimeout(_MOMENT)

    def is_answered(self) -> bool:
        """Whether the server has answered. A refused connection counts too, because it is quick."""
        try:
            if not self._has_asked:
                self._ask()
            # The answer stays in the buffer for other threads that look at the same time.
            self._socket.recv(1, socket.MSG_PEEK)
        except TimeoutError:
            return False
        except OSError:
            return True
        return True

    def _ask(self) -> None:
        self._socket.sendall(_QUESTION)
        self._has_asked = True

    def close(self) -> None:
        """Close the connection."""
        self._socket.close()
