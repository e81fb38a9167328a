"""Counts to give back later, because the cache failed in between."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterable
from contextlib import suppress

from api_guard.core.attempts import Limit
from api_guard.core.rates import Usage
from api_guard.limits import counters
from api_guard.limits.credentials.counting import give_back

# For each tenant, until the end of the window of the count.
_owed: deque[tuple[str, Limit, float]] = deque(maxlen=1000)


def keep(counted: Iterable[tuple[Limit, Usage]]) -> None:
    """Remember a count of a credential that did not fail."""
    now, tenant = time.monotonic(), counters.tenant()
    # A second less, so that the next window is never changed.
    _owed.extend((tenant, limit, now + usage.reset - 1) for limit, usage in counted)


def pay() -> None:
    """Give back the owed counts of this process to the tenant of this request."""
    if not _owed:
        return
    now, tenant = time.monotonic(), counters.tenant()
    due: list[tuple[str, Limit, float]] = []
    for _ in range(len(_owed)):
        with suppress(IndexError):  # another thread pays too
            whose, limit, ends = _owed.popleft()
            if whose != tenant:
                _owed.append((whose, limit, ends))
            elif now < ends:
                due.append((whose, limit, ends))
    if not due:
        return
    try:
        give_back([limit for _, limit, _ in due])
    except counters.CounterFault:
        _owed.extend(due)


def forget_all() -> None:
    """Forget what this process owes."""
    _owed.clear()
