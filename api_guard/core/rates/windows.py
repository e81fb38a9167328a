"""The arithmetic of fixed and sliding windows, in milliseconds, without a clock."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from api_guard.core.rates.rate import Rate

# A sliding window has this many parts. Used units become free at most one part too late.
PARTS = 10


@dataclass(frozen=True)
class Room:
    """The state of a window for a request: what is used, when that changes, how long to wait."""

    used: int
    reset: int
    wait: int


@dataclass(frozen=True)
class FixedWindow:
    """A period that begins with its first request and is forgotten at its end."""

    ends: int = 0
    used: int = 0

    def room(self, rate: Rate, now: int) -> Room:
        """Say how a request of `rate` fares at `now`."""
        used = self.used if now < self.ends else 0
        reset = self.ends - now if used else rate.seconds * 1000
        return Room(used, reset, reset if used + rate.cost > rate.limit else 0)

    def taken(self, rate: Rate, now: int, units: int) -> FixedWindow:
        """Return the window with `units` more used; negative units are given back."""
        room = self.room(rate, now)
        return FixedWindow(now + room.reset, max(0, room.used + units))


@dataclass(frozen=True)
class SlidingWindow:
    """The last period, counted in parts.

    A part that overlaps the period counts fully, so no period ever exceeds the limit.
    """

    parts: Mapping[int, int] = field(default_factory=dict)

    def room(self, rate: Rate, now: int) -> Room:
        """Say how a request of `rate` fares at `now`."""
        length = rate.seconds * 1000 // PARTS
        parts = self._counting(now // length)
        used = sum(parts.values())
        leaving = {part: (part + PARTS + 1) * length - now for part in sorted(parts)}
        reset = next(iter(leaving.values()), rate.seconds * 1000)
        wait, left = 0 if used + rate.cost <= rate.limit else reset, used
        for part, after in leaving.items():
            if left + rate.cost <= rate.limit:
                break
            wait, left = after, left - parts[part]
        return Room(used, reset, wait)

    def taken(self, rate: Rate, now: int, units: int) -> SlidingWindow:
        """Return the window with `units` more used; negative units are given back."""
        part = now // (rate.seconds * 1000 // PARTS)
        parts = self._counting(part)
        return SlidingWindow({**parts, part: max(0, parts.get(part, 0) + units)})

    def _counting(self, now: int) -> dict[int, int]:
        return {part: used for part, used in self.parts.items() if part >= now - PARTS and used}


Window = FixedWindow | SlidingWindow


def window_of(rate: Rate) -> Window:
    """Return the empty window of a rate."""
    return SlidingWindow() if rate.is_sliding else FixedWindow()
