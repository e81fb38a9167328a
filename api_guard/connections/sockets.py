"""Sockets that stop at a deadline and at a number of bytes, whatever the other side sends."""

from __future__ import annotations

import io
import math
import socket
import ssl
import threading
import time
from queue import Empty, SimpleQueue
from typing import Any

# Seconds that one step may take, for example to connect or to wait for data.
TIMEOUT = 10.0


class TooLargeError(OSError):
    """The other side sends more than one download may hold."""


class Download:
    """What one download has left: time, by the monotonic clock, and bytes."""

    def __init__(self, seconds: float, max_bytes: float = math.inf) -> None:
        self.ends = time.monotonic() + seconds
        self.bytes_left = max_bytes

    def seconds_left(self) -> float:
        """Return the seconds until the deadline. Raises TimeoutError after it."""
        seconds = self.ends - time.monotonic()
        if seconds <= 0:
            raise TimeoutError("The download took longer than its deadline.")
        return seconds

    def count(self, received: int) -> None:
        """Count bytes that arrived. Raises TooLargeError if they are too many."""
        self.bytes_left -= received
        if self.bytes_left < 0:
            raise TooLargeError("The download is larger than its limit.")


def resolved(host: str, port: int, download: Download | None) -> list[Any]:
    """Return the result of `socket.getaddrinfo()` in the time that is left. Raises OSError."""
    if download is None:
        return socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    answers: SimpleQueue[list[Any] | Exception] = SimpleQueue()

    def ask() -> None:
        try:
            answers.put(socket.getaddrinfo(host, port, type=socket.SOCK_STREAM))
        except Exception as error:  # noqa: BLE001  # raised again in the waiting thread
            answers.put(error)

    # The system resolver has no timeout and cannot be stopped.
    threading.Thread(target=ask, daemon=True).start()
    try:
        answer = answers.get(timeout=download.seconds_left())
    except Empty as error:
        raise TimeoutError(f"{host} was not resolved before the deadline.") from error
    if isinstance(answer, Exception):
        raise answer
    return answer


class _Reader(io.BufferedReader):
    """Reads what the other side announces, without memory for more than may arrive.

    `http.client` asks for a whole body or chunk at once, and Python reserves as much memory.
    """

    def __init__(self, raw: Any, download: Download) -> None:
        super().__init__(raw)
        self.download = download

    def read(self, size: int | None = -1, /) -> bytes:
        # To read one more than this is more than may arrive, even where the buffer is full.
        most = self.download.bytes_left + io.DEFAULT_BUFFER_SIZE + 1
        return super().read(int(min(size, most)) if size is not None else -1)


class _Held:
    step: float = TIMEOUT
    download: Download | None = None

    def hold(self, step: float, download: Download | None) -> None:
        """Limit each step to `step` seconds, and all to the download. Raises TimeoutError."""
        self.step, self.download = step, download
        self.wait()

    def wait(self) -> None:
        """Set the timeout of the next step. Raises TimeoutError."""
        left = self.step if self.download is None else self.download.seconds_left()
        self.settimeout(min(self.step, left))  # type: ignore[attr-defined]

    def recv_into(self, *args: Any, **kwargs: Any) -> int:
        self.wait()
        received = int(super().recv_into(*args, **kwargs))  # type: ignore[misc]
        if self.download is not None:
            self.download.count(received)
        return received

    def makefile(self, mode: str = "r", *args: Any, **kwargs: Any) -> Any:
        if self.download is None or mode != "rb":
            return super().makefile(mode, *args, **kwargs)  # type: ignore[misc]
        return _Reader(super().makefile(mode, 0), self.download)  # type: ignore[misc]

    def sendall(self, *args: Any, **kwargs: Any) -> None:
        self.wait()
        super().sendall(*args, **kwargs)  # type: ignore[misc]


class HeldSocket(_Held, socket.socket):
    """A socket without TLS."""


class HeldTLSSocket(_Held, ssl.SSLSocket):
    """A socket with TLS."""
