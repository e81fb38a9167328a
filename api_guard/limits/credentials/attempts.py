"""Counts an attempt with a guessable credential before its secret is verified."""

from __future__ import annotations

import logging
from asyncio import CancelledError
from dataclasses import dataclass
from typing import Any

from api_guard.core.attempts import Limit, limits_of_attempt, normal_account
from api_guard.core.rates import Usage
from api_guard.limits import counters
from api_guard.limits.addresses import address_of
from api_guard.limits.credentials import known, owed
from api_guard.limits.credentials.blocks import announce
from api_guard.limits.credentials.counting import count_late, give_back, limits, take

logger = logging.getLogger("api_guard.credentials")


@dataclass(frozen=True)
class Attempt:
    """One attempt. It counts as failed until its outcome is reported.

    `is_counted` says whether it was counted when it began. Otherwise the limits were only checked.
    """

    account: str
    address: str
    spelling: str
    limits: tuple[Limit, ...]
    usages: tuple[Usage, ...]
    known_addresses: tuple[str, ...]
    is_known: bool
    is_counted: bool

    def failed(self) -> None:
        """Keep it counted, and announce a block if it reaches a limit."""
        usages = self.usages
        if not self.is_counted:
            try:
                usages = count_late(self.limits)
            except counters.CounterFault as fault:
                logger.error("A failed credential could not be counted: %s", fault)
                return
        for limit, usage in zip(self.limits, usages, strict=True):
            if not usage.exceeded and usage.remaining == 0:
                announce(limit, usage)

    def succeeded(self) -> None:
        """Undo the count, and remember the address."""
        self.dropped()
        if self.account and self.address and not self.is_known:
            known.remember(self.spelling, self.address, self.known_addresses)

    def ended_by(self, error: BaseException) -> None:
        """Report that an exception has ended the request, so that the outcome is unknown.

        It is dropped, unless the client has hung up: else it could guess without a limit.
        """
        (self.failed if isinstance(error, CancelledError) else self.dropped)()

    def dropped(self) -> None:
        """Undo the count, because the secret was not or could not be verified."""
        if not self.is_counted:
            return
        try:
            give_back(self.limits)
        except counters.CounterFault as fault:
            logger.warning(
                "A good credential is still counted as failed, because the cache failed: %s", fault
            )
            owed.keep(zip(self.limits, self.usages, strict=True))


def begin(request: Any, kind: str, account: str, *, is_told: bool = True) -> Attempt | None:
    """Count an attempt on `account` before its secret is verified; None if nothing is counted.

    `kind` is `user` or `client`, because both may have the same name. `is_told` promises that the
    outcome of the attempt will be reported. Raises TooManyFailures and GuardUnavailable.
    """
    set_limits = limits()
    normal = normal_account(account)
    name = f"{kind}:{normal}" if normal else ""
    address = "" if request is None else address_of(request)
    if set_limits is None or not (name or address):
        return None
    # Use the name as written: the owner of a similar name does not own this account.
    spelling = f"{kind}:{account}"
    places = known.addresses_of(spelling) if name and address else ()
    is_known = known.is_among(address, places)
    found = limits_of_attempt(set_limits, name, address, is_known=is_known)
    # A known caller may come several times at once, for example a client with Basic. And if nobody
    # reports successes, only failures can be counted.
    is_counted = is_told and not is_known
    owed.pay()
    usages = take(found, count=is_counted)
    return Attempt(name, address, spelling, found, usages, places, is_known, is_counted)
