"""Counts bad high-entropy credentials by address, then refuses them without verification."""

from __future__ import annotations

import hashlib
import time
from typing import Any

from api_guard.core.attempts import limits_of_token
from api_guard.exceptions import TooManyFailures
from api_guard.limits import counters
from api_guard.limits.addresses import address_of
from api_guard.limits.credentials.blocks import announce
from api_guard.limits.credentials.counting import limits, take

# A process remembers blocked addresses and bad credentials for at most so many seconds. After that,
# it notices a lifted block or a corrected credential.
_REMEMBERED = 30.0
_MOST = 10_000

# Blocked addresses and the bad credentials that came from them, with the end of the block. They are
# kept for each tenant: a credential that is bad in one tenant may be good in another.
_blocked: dict[tuple[str, str], float] = {}
_bad: dict[tuple[str, bytes], float] = {}


def refuse_known_bad(request: Any, credential: str) -> None:
    """Raise TooManyFailures for a credential that was bad a moment ago.

    It does not use the database or the cache. An unknown credential is always allowed here, even
    from an address that has sent many bad ones: it may be good.
    """
    if not _blocked:
        return
    tenant = counters.tenant()
    if _until(_bad, (tenant, _digest(credential))) <= 0:
        return
    wait = _until(_blocked, (tenant, address_of(request)))
    if wait > 0:
        raise TooManyFailures(int(wait) + 1)


def count_bad(request: Any, credential: str = "") -> None:
    """Count a refused credential. Raises TooManyFailures in place of the refusal if its address has
    sent too many, and GuardUnavailable if the cache fails.
    """
    set_limits = limits()
    if set_limits is None:
        return
    address = address_of(request)
    found = limits_of_token(set_limits, address)
    try:
        usages = take(found)
    except TooManyFailures as refusal:
        until = time.monotonic() + min(refusal.wait or 0, _REMEMBERED)
        tenant = counters.tenant()
        _remember(_blocked, (tenant, address), until)
        if credential:
            _remember(_bad, (tenant, _digest(credential)), until)
        raise
    for limit, usage in zip(found, usages, strict=True):
        if usage.remaining == 0:
            announce(limit, usage)


def forget_all() -> None:
    """Clear the memory of this process."""
    _blocked.clear()
    _bad.clear()


def _digest(credential: str) -> bytes:
    return hashlib.sha256(credential.encode(errors="surrogatepass")).digest()


def _until(memory: dict[Any, float], key: object) -> float:
    return memory.get(key, 0.0) - time.monotonic()


def _remember(memory: dict[Any, float], key: object, until: float) -> None:
    if len(memory) >= _MOST:
        memory.clear()
    memory[key] = until
