"""How much of a rate a caller has used, and when it may come back."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from api_guard.core.rates.rate import Rate

# Among how many buckets the callers are spread: more than a cluster has machines.
BUCKETS = 256


@dataclass(frozen=True)
class Counter:
    """One rate of one caller; `name` is what is counted under, the same in every process.

    `spare` is the name of a count that is shared with others, which takes its place where too many
    of a kind are stored already; "" for one that is never shared. `kind` says with which it is
    numbered. Counters of one `bucket` are kept on one machine of a cluster: those that are taken
    together must have the same.
    """

    name: str
    rate: Rate
    spare: str = ""
    kind: str = ""
    bucket: str = ""


@dataclass(frozen=True)
class Usage:
    """How much of a rate is used. All times are in seconds, rounded up.

    `used` includes this request where all its rates admitted it: one that a rate refuses takes
    nothing. `reset` is the time within which no more than `remaining` is there; `wait` the time
    until a request of this cost fits, 0 where it did.
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
        """What is left of the limit."""
        return max(0, self.rate.limit - self.used)


def retry_after(usages: Iterable[Usage]) -> int:
    """Return the seconds until every exceeded rate admits again, at least 1."""
    return max([1, *(usage.wait for usage in usages if usage.exceeded)])
