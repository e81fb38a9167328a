"""The blocks of failed credentials: logged, signalled, listed and lifted."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.core.cache import BaseCache
from django.utils import timezone

from api_guard.core.addresses import counted_address
from api_guard.core.attempts import (
    Limit,
    limits_of_attempt,
    limits_of_token,
    normal_account,
)
from api_guard.core.rates import Counter, Rate, Usage
from api_guard.limits import counters
from api_guard.limits.credentials.counting import counters_of, limits, look
from api_guard.signals import credentials_blocked

logger = logging.getLogger("api_guard.credentials")

# Only the newest blocks are stored.
_MOST = 1000
_NUMBER = "api_guard:blocks"


@dataclass(frozen=True)
class Block:
    """A limit of failed credentials that was reached; `account` and `address` may be empty.

    `number` is 0 if the block is not in the list of the newest ones.
    """

    number: int
    kind: str
    account: str
    address: str
    rate: str
    since: datetime
    until: datetime


def announce(limit: Limit, usage: Usage) -> None:
    """Log, store and signal that a limit is reached."""
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
        logger.warning("The block could not be stored for guard_blocks: %s", fault)
    for receiver, answer in credentials_blocked.send_robust(sender=Block, block=block):
        if isinstance(answer, Exception):
            logger.error(
                "The receiver %r of credentials_blocked failed.", receiver, exc_info=answer
            )


def blocks() -> list[Block]:
    """Return the current blocks, the oldest first. Raises CounterFault."""
    now = timezone.now()
    found = (block for block, _ in _kept())
    return sorted((b for b in found if b.until > now), key=lambda block: block.number)


def reached(kind: str, account: str, address: str) -> list[Block]:
    """Return the limits that an account, an address or both have reached, from the counts.

    `kind` is `user` or `client`. So blocks are found that are no longer among the newest. Raises
    CounterFault.
    """
    set_limits, address = limits(), counted_address(address)
    if set_limits is None:
        return []
    normal = normal_account(account)
    name = f"{kind}:{normal}" if normal else ""
    found = limits_of_attempt(set_limits, name, address, is_known=False)
    found += limits_of_token(set_limits, address) if address else ()
    now = timezone.now()
    return [
        Block(0, each.kind, each.account, each.address, each.rate.written, now, _after(now, usage))
        for each, usage in zip(found, look(found), strict=True)
        if usage.remaining == 0
    ]


def release(block: Block) -> bool:
    """Reset the count of a block that `blocks` or `reached` returned; false if it has ended.

    Raises CounterFault.
    """
    if block.number:
        found = {each.number: (each, counted) for each, counted in _kept()}
        kept, counted = found.get(block.number, (None, []))
        if kept != block:
            return False
        counters.forget(counted)
        counters.ask(lambda cache: cache.delete(_key(block.number)))
        return True
    limit = Limit(block.kind, Rate.parse(block.rate), block.account, block.address)
    if all(usage.remaining for usage in look([limit])):
        return False
    names = [(each.name, each.spare) for each in counters_of(limit)]
    counters.forget([Counter(name, limit.rate) for pair in names for name in pair if name])
    return True


def _after(now: datetime, usage: Usage) -> datetime:
    return now + timedelta(seconds=usage.reset)


def _keep(block: Block, limit: Limit, seconds: int) -> Block:
    number = counters.ask(_next_number)
    numbered = Block(number, *_rest(block))
    # Plain values, so that other versions of this class can read them.
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
