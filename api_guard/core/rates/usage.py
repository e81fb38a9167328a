"""How much of a rate a caller has used, and when it may try again."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from api_guard.core.rates.rate import Rate

# Callers are spread over so many buckets, more than a cluster has machines.
BUCKETS = 256


@dataclass(frozen=True)
class Counter:
    """One rate of one caller. It is counted under `name`, which is the same in every process.

    `spare` is the name of a shared counter, which is used instead if too many counters of the same
    `kind` are already stored; "" means never. Counters with the same `bucket` are kept on one
    machine of a cluster. Counters that are taken together must have the same bucket.
    """

    name: str
    rate: Rate
    spare: str = ""
    kind: str = ""
    bucket: str = ""


@dataclass(frozen=True)
class Usage:
    """How much of a rate is used. All times are in seconds, rounded up.

    `used` includes this request if all its rates allowed it; a refused request takes nothing. Until
    `reset`, no more than `remaining` is left. `wait` is the time until a request of this cost is
    allowed; 0 if it was.
    """

    rate: Rate
    used: int
    reset: int
    wait: int = 0

    @property
    def exceeded(self) -> bool:
        """Whether this rate refuses the request."""
        return self.wait > 0

    @property
    def remaining(self) -> int:
        """How much of the limit is left."""
        return max(0, self.rate.limit - self.used)


def retry_after(usages: Iterable[Usage]) -> int:
    """Return the seconds until every exceeded rate allows requests again, at least 1."""
    return max([1, *(usage.wait for usage in usages if usage.exceeded)])
