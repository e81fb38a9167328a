"""Sockets that stop waiting at a deadline, even if a few bytes arrive from time to time."""

from __future__ import annotations

import socket
import ssl
import threading
import time
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from typing import Any

# Seconds that one step may take, for example to connect or to wait for data.
TIMEOUT = 10.0


@dataclass(frozen=True)
class Deadline:
    """The end of all steps, by the monotonic clock."""

    ends: float

    @classmethod
    def after(cls, seconds: float) -> Deadline:
        """Return the deadline in `seconds` from now."""
        return cls(time.monotonic() + seconds)

    def left(self) -> float:
        """Return the seconds until the deadline. Raises TimeoutError after it."""
        seconds = self.ends - time.monotonic()
        if seconds <= 0:
            raise TimeoutError("The download took longer than its deadline.")
        return seconds


def resolved(host: str, port: int, deadline: Deadline | None) -> list[Any]:
    """Return the result of `socket.getaddrinfo()` before the deadline. Raises OSError."""
    if deadline is None:
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
        answer = answers.get(timeout=deadline.left())
    except Empty as error:
        raise TimeoutError(f"{host} was not resolved before the deadline.") from error
    if isinstance(answer, Exception):
        raise answer
    return answer


class _Held:
    step: float = TIMEOUT
    deadline: Deadline | None = None

    def hold(self, step: float, deadline: Deadline | None) -> None:
        """Limit each step to `step` seconds and to the deadline. Raises TimeoutError."""
        self.step, self.deadline = step, deadline
        self.wait()

    def wait(self) -> None:
        """Set the timeout of the next step. Raises TimeoutError."""
        step = self.step if self.deadline is None else min(self.step, self.deadline.left())
        self.settimeout(step)  # type: ignore[attr-defined]

    def recv_into(self, *args: Any, **kwargs: Any) -> int:
        self.wait()
        return int(super().recv_into(*args, **kwargs))  # type: ignore[misc]

    def sendall(self, *args: Any, **kwargs: Any) -> None:
        self.wait()
        super().sendall(*args, **kwargs)  # type: ignore[misc]


class HeldSocket(_Held, socket.socket):
    """A socket without TLS."""


class HeldTLSSocket(_Held, ssl.SSLSocket):
    """A socket with TLS."""
