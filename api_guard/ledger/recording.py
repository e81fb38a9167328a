"""Writes one record, in the transaction of what it records."""

from __future__ import annotations

from collections.abc import Mapping

from api_guard.core.ledger import Event, Party, Who


def record(
    event: Event,
    *,
    who: Who,
    whom: Party | None = None,
    scope: str = "",
    reason: str = "",
    address: str = "",
    facts: Mapping[str, str | None] | None = None,
) -> None:
    """Write what was done into the ledger, in the transaction that does it.

    `scope` is what it is about, a scope or a group of scopes; `address` where the request came
    from; `facts` are the rest, such as the old and the new expiry in ISO 8601. Names, reasons and
    addresses can be erased later; `scope` and `facts` cannot, and hold nothing of a person.
    """
    del event, who, whom, scope, reason, address, facts
