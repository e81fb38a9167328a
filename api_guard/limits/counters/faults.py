"""Handles a cache that fails, and pauses one that keeps requests waiting."""

from __future__ import annotations

import time
from collections.abc import Callable
from threading import Event, Lock

from api_guard import conf
from api_guard.exceptions import is_fault
from api_guard.limits.counters.knocking import Knock

# For so many seconds a cache that hung is not asked again. So it delays only one request in that
# time, and not all of them.
PAUSE = 1.0
# A failure within this part of the timeout is quick, such as that of a stopped server. It delays
# nobody, so there is no pause, and the server is used again as soon as it is back.
_QUICK = 0.2


class CounterFault(Exception):
    """The counters' cache did not answer, or not in time."""


class Pause:
    """Keeps requests away from a cache that hung, until the time is up or it answers a knock."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._ends = 0.0
        self._knock: Knock | None = None
        self._may_knock = True
        # Set by the request that tries the cache after it has answered a knock.
        self._is_tried: Event | None = None

    def pass_by(self, place: Callable[[], Knock | None]) -> bool:
        """Whether this request tries the cache again. Raises CounterFault during a pause."""
        if not self._ends:
            return False
        knock = self._knock
        is_knocked = knock is not None and knock.is_answered()
        with self._lock:
            if not self._ends:
                return False  # another request has just seen it working
            if is_knocked and knock is self._knock:
                # If the cache answers a knock and then hangs again, the pause is a full one.
                self._try_it(may_knock=False)
                self._is_tried = Event()
                return True
            if time.monotonic() >= self._ends:
                # Requests that come meanwhile do not wait for this one. They knock themselves to
                # see whether the server is back.
                self._try_it(may_knock=True)
                self._knock = place()
                return True
            is_tried = self._is_tried
        # The server has answered a knock, so it is probably back: wait before refusing.
        if is_tried is not None and is_tried.wait(conf.counter_timeout()) and not self._ends:
            return False
        raise CounterFault("it failed a moment ago")

    def begin(self, place: Callable[[], Knock | None]) -> None:
        """Start a pause, and knock at the server to see when it is back."""
        with self._lock:
            self._ends = time.monotonic() + PAUSE
            if self._knock is None and self._may_knock:
                self._knock = place()

    def end(self) -> None:
        """End the pause: the next request asks the cache."""
        with self._lock:
            self._ends = 0.0
            self._may_knock = True
            self._drop_knock()

    def has_tried(self) -> None:
        """Wake the requests that wait for the result of the one that tries the cache."""
        with self._lock:
            if self._is_tried is not None:
                self._is_tried.set()
                self._is_tried = None

    def _try_it(self, *, may_knock: bool) -> None:
        self._may_knock = may_knock
        self._drop_knock()
        self._ends = time.monotonic() + conf.counter_timeout() + PAUSE

    def _drop_knock(self) -> None:
        if self._knock is not None:
            self._knock.close()
            self._knock = None


_pause = Pause()  # one for each process, like the cache


class faults_told:  # noqa: N801  # a context manager, which reads as a function
    """Turn the errors of a broken cache into CounterFault. During a pause, raise it at once."""

    # A class, because every request enters it, and a generator takes three times as long.
    __slots__ = ("_began", "_is_trying", "_place")

    def __init__(self, place: Callable[[], Knock | None]) -> None:
        self._place = place

    def __enter__(self) -> None:
        self._is_trying = _pause.pass_by(self._place)
        self._began = time.monotonic()

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        has_hung = False
        try:
            if isinstance(error, CounterFault) or (
                isinstance(error, Exception) and is_fault(error)
            ):
                has_hung = time.monotonic() - self._began >= _QUICK * conf.counter_timeout()
                if has_hung:
                    _pause.begin(self._place)
                raise CounterFault(str(error) or type(error).__name__) from error
        finally:
            if self._is_trying:
                if not has_hung:
                    _pause.end()
                _pause.has_tried()


def end_pause() -> None:
    """End the pause: the next request asks the cache."""
    _pause.end()
