"""Limits how many refusals are logged for one caller, and counts the others."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from threading import Lock

# A caller gets so many lines in so many seconds. If too many callers are refused, the rest share
# one count.
LINES = 20
SECONDS = 60.0
_MOST_CALLERS = 1000
OTHERS = "others"


@dataclass
class Cap:
    """Counts the refusals of each caller in the current period. Threads may share it."""

    _began: float = 0.0
    _counts: dict[str, int] = field(default_factory=dict)
    _lock: Lock = field(default_factory=Lock)

    def take(self, caller: str) -> tuple[bool, Mapping[str, int]]:
        """Count a refusal. Return whether to log it, and how many of each caller were suppressed.

        The suppressed ones are returned once, when the next period begins.
        """
        with self._lock:
            now = time.monotonic()
            suppressed: dict[str, int] = {}
            if now - self._began >= SECONDS:
                suppressed = {k: n - LINES for k, n in self._counts.items() if n > LINES}
                self._counts.clear()
                self._began = now
            if caller not in self._counts and len(self._counts) >= _MOST_CALLERS:
                caller = OTHERS
            count = self._counts[caller] = self._counts.get(caller, 0) + 1
            return count <= LINES, suppressed

    def forget(self) -> None:
        """Forget all counts."""
        with self._lock:
            self._counts.clear()
            self._began = 0.0
