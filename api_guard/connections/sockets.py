"""Sockets that wait no longer than is left of a deadline, however little comes each time."""

from __future__ import annotations

import socket
import ssl
import threading
import time
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from typing import Any

# Seconds that one step may last, such as connecting, or waiting for what comes next.
TIMEOUT = 10.0


@dataclass(frozen=True)
class Deadline:
    """When all has to be over, by the monotonic clock."""

    ends: float

    @classmethod
    def after(cls, seconds: float) -> Deadline:
        """Return the deadline that is so many seconds away."""
        return cls(time.monotonic() + seconds)

    def left(self) -> float:
        """Return the seconds that are left. Raises TimeoutError where there are none."""
        seconds = self.ends - time.monotonic()
        if seconds <= 0:
            raise TimeoutError("The download took longer than its deadline.")
        return seconds


def resolved(host: str, port: int, deadline: Deadline | None) -> list[Any]:
    """Return what `socket.getaddrinfo()` answers before the deadline. Raises OSError."""
    if deadline is None:
        return socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    answers: SimpleQueue[list[Any] | Exception] = SimpleQueue()

    def ask() -> None:
        try:
            answers.put(socket.getaddrinfo(host, port, type=socket.SOCK_STREAM))
        except Exception as error:  # noqa: BLE001  # it is raised where the answer is awaited
            answers.put(error)

    # The resolver of the system takes no timeout, and cannot be stopped.
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
        """Let no step last longer than `step`, nor past the deadline. Raises TimeoutError."""
        self.step, self.deadline = step, deadline
        self.wait()

    def wait(self) -> None:
        """Set how long the next step may last. Raises TimeoutError."""
        step = self.step if self.deadline is None else min(self.step, self.deadline.left())
        self.settimeout(step)  # type: ignore[attr-defined]

    def recv_into(self, *args: Any, **kwargs: Any) -> int:
        self.wait()
        return int(super().recv_into(*args, **kwargs))  # type: ignore[misc]

    def sendall(self, *args: Any, **kwargs: Any) -> None:
        self.wait()
        super().sendall(*args, **kwargs)  # type: ignore[misc]


class HeldSocket(_Held, socket.socket):
    """One without TLS."""


class HeldTLSSocket(_Held, ssl.SSLSocket):
    """One with TLS."""
