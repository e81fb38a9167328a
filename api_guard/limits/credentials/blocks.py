"""The blocks that began: said in the log and by a signal, listed, and lifted."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.core.cache import BaseCache
from django.utils import timezone

from api_guard.core.attempts import Limit
from api_guard.core.rates import Counter, Rate, Usage
from api_guard.limits import counters
from api_guard.limits.credentials.counting import counters_of
from api_guard.signals import credentials_blocked

logger = logging.getLogger("api_guard.credentials")

# The newest are kept, in a ring.
_MOST = 1000
_NUMBER = "api_guard:blocks"


@dataclass(frozen=True)
class Block:
    """A limit of failed credentials that was reached; `account` and `address` may be empty."""

    number: int
    kind: str
    account: str
    address: str
    rate: str
    since: datetime
    until: datetime


def announce(limit: Limit, usage: Usage) -> None:
    """Say, keep and signal that a limit is reached."""
    logger.warning(
        "Failed credentials: %s of %s reached; account %r, address %s, for %d s.",
        limit.kind,
        limit.rate.written,
        limit.account,
        limit.address or "any",
        usage.reset,
    )
    now = timezone.now()
    until = now + timedelta(seconds=usage.reset)
    written = limit.rate.written
    block = Block(0, limit.kind, limit.account, limit.address, written, now, until)
    try:
        block = _keep(block, limit, usage.reset)
    except counters.CounterFault as fault:
        logger.warning("The block could not be kept for guard_blocks: %s", fault)
    for receiver, answer in credentials_blocked.send_robust(sender=Block, block=block):
        if isinstance(answer, Exception):
            logger.error("%r of credentials_blocked failed.", receiver, exc_info=answer)


def blocks() -> list[Block]:
    """Return the blocks that last, the oldest first. Raises CounterFault."""
    now = timezone.now()
    found = (block for block, _ in _kept())
    return sorted((b for b in found if b.until > now), key=lambda block: block.number)


def lift(number: int) -> Block | None:
    """Begin the count of a block anew; None where there is no such block. Raises CounterFault."""
    for block, counted in _kept():
        if block.number == number:
            counters.forget(counted)
            counters.ask(lambda cache: cache.delete(_key(number)))
            return block
    return None


def _keep(block: Block, limit: Limit, seconds: int) -> Block:
    number = counters.ask(_next_number)
    numbered = Block(number, *_rest(block))
    # Plain values, which another version of this class can read.
    names = " ".join(f"{each.name} {each.spare}" for each in counters_of(limit))
    row = (number, *_rest(numbered), names)
    counters.ask(lambda cache: cache.set(_key(number), row, seconds))
    return numbered


def _next_number(cache: BaseCache) -> int:
    cache.add(_NUMBER, 0, None)
    return cache.incr(_NUMBER)


def _kept() -> Iterator[tuple[Block, list[Counter]]]:
    keys = [_key(number) for number in range(_MOST)]
    for *fields, names in counters.get_many(keys).values():
        block = Block(*fields)
        yield block, [Counter(name, Rate.parse(block.rate)) for name in names.split()]


def _rest(block: Block) -> tuple[str, str, str, str, datetime, datetime]:
    return block.kind, block.account, block.address, block.rate, block.since, block.until


def _key(number: int) -> str:
    return f"api_guard:block:{number % _MOST}"
