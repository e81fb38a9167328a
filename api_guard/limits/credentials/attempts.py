"""An attempt with a credential that can be guessed: counted before the secret is verified."""

from __future__ import annotations

import logging
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
    """One attempt, of which it is to be said how it went; until then it counts as failed.

    `is_counted` says that it was counted when it began, and not only asked whether it may be made.
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
        """Leave it counted, and say so where it is the one by which a limit is reached."""
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
        """Take it back, and remember the address."""
        self.dropped()
        if self.account and self.address and not self.is_known:
            known.remember(self.spelling, self.address, self.known_addresses)

    def dropped(self) -> None:
        """Take it back: nothing was verified, or it could not be."""
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
    """Count an attempt on `account`, before its secret is verified; None where nothing is counted.

    `kind` tells accounts apart that may have one name: `user`, `client`. `is_told` promises that
    it will be said of the attempt how it went. Raises TooManyFailures and GuardUnavailable.
    """
    set_limits = limits()
    normal = normal_account(account)
    name = f"{kind}:{normal}" if normal else ""
    address = "" if request is None else address_of(request)
    if set_limits is None or not (name or address):
        return None
    # As it was written: whoever has an account of nearly the same name is no owner of this one.
    spelling = f"{kind}:{account}"
    places = known.addresses_of(spelling) if name and address else ()
    is_known = known.is_among(address, places)
    found = limits_of_attempt(set_limits, name, address, is_known=is_known)
    # Whoever is known may come several times at once, as a client by Basic does. And where nobody
    # says of a success that it was one, only failures can be counted.
    is_counted = is_told and not is_known
    owed.pay()
    usages = take(found, count=is_counted)
    return Attempt(name, address, spelling, found, usages, places, is_known, is_counted)
