"""What a cache does that does not answer, and a pause for one that keeps requests waiting."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Event, Lock

from api_guard import conf
from api_guard.exceptions import is_fault
from api_guard.limits.counters.knocking import Knock

# Seconds in which a cache that hung is not asked again, so that it holds up one request in that
# time and not every one.
PAUSE = 1.0
# The part of the timeout below which a failure is quick, as that of a server which is stopped: it
# holds nobody up, and no pause keeps the first request after its return from it.
_QUICK = 0.2


class CounterFault(Exception):
    """The counters' cache did not answer, or not in time."""


class Pause:
    """Keeps a cache that hung from being asked, until its time is up or it has answered a knock."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._ends = 0.0
        self._knock: Knock | None = None
        self._may_knock = True
        # Of the request that tries a cache which has answered a knock.
        self._is_tried: Event | None = None

    def pass_by(self, place: Callable[[], Knock | None]) -> bool:
        """Whether this request is the one that tries it again. Raises CounterFault in a pause."""
        if not self._ends:
            return False
        knock = self._knock
        is_knocked = knock is not None and knock.is_answered()
        with self._lock:
            if not self._ends:
                return False  # another request has just found it well
            if is_knocked and knock is self._knock:
                # A cache that answers a knock and then hangs again is given the whole pause.
                self._try_it(may_knock=False)
                self._is_tried = Event()
                return True
            if time.monotonic() >= self._ends:
                # Who comes meanwhile does not wait to learn how this one fares, and looks for
                # itself whether the server has come back.
                self._try_it(may_knock=True)
                self._knock = place()
                return True
            is_tried = self._is_tried
        # What has answered a knock is back, by all that is known: a refusal would be too early.
        if is_tried is not None and is_tried.wait(conf.counter_timeout()) and not self._ends:
            return False
        raise CounterFault("it failed a moment ago")

    def begin(self, place: Callable[[], Knock | None]) -> None:
        """Begin a pause, and leave a question with the server to see when it is back."""
        with self._lock:
            self._ends = time.monotonic() + PAUSE
            if self._knock is None and self._may_knock:
                self._knock = place()

    def end(self) -> None:
        """Ask the cache again at once."""
        with self._lock:
            self._ends = 0.0
            self._may_knock = True
            self._drop_knock()

    def has_tried(self) -> None:
        """Let go on who waits to learn how the request that tries it fared."""
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


_pause = Pause()  # one a process, as the cache is


@contextmanager
def faults_told(place: Callable[[], Knock | None]) -> Iterator[None]:
    """Turn what a broken cache raises into CounterFault, at once while it is given a pause."""
    is_trying = _pause.pass_by(place)
    began = time.monotonic()
    has_hung = False
    try:
        yield
    except Exception as error:
        if not isinstance(error, CounterFault) and not is_fault(error):
            raise
        has_hung = time.monotonic() - began >= _QUICK * conf.counter_timeout()
        if has_hung:
            _pause.begin(place)
        raise CounterFault(str(error) or type(error).__name__) from error
    finally:
        if is_trying:
            if not has_hung:
                _pause.end()
            _pause.has_tried()


def end_pause() -> None:
    """Ask the cache again at once."""
    _pause.end()
