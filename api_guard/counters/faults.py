"""What a cache does that does not answer, and a pause for one that just did not."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

from api_guard.exceptions import is_fault

# Seconds in which a cache that failed is not asked again, so that a hung one holds up one request
# a second and not every one.
PAUSE = 1.0

_asked_again_at = 0.0


class CounterFault(Exception):
    """The counters' cache did not answer, or not in time."""


@contextmanager
def faults_told() -> Iterator[None]:
    """Turn what a broken cache raises into CounterFault, at once while it is given a pause."""
    global _asked_again_at  # one a process, as the cache is
    if time.monotonic() < _asked_again_at:
        raise CounterFault("it failed a moment ago")
    try:
        yield
    except Exception as error:
        if not isinstance(error, CounterFault) and not is_fault(error):
            raise
        _asked_again_at = time.monotonic() + PAUSE
        raise CounterFault(str(error) or type(error).__name__) from error


def end_pause() -> None:
    """Ask the cache again at once."""
    global _asked_again_at
    _asked_again_at = 0.0
