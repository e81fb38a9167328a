"""The least grants that would have sufficed for requests that were refused."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from api_guard.core.decision_records import DecisionRecord, Outcome

_REFUSED = (Outcome.WOULD_REFUSE.value, Outcome.REFUSED.value)


@dataclass(frozen=True)
class Apart:
    """Refusals for which no grant is proposed, and why."""

    why: str
    reason: str
    method: str
    view: str
    scopes: tuple[str, ...] = ()
    user: str | None = None
    client: str | None = None


@dataclass
class Needs:
    """By primary key, the scopes that users and clients lacked; and what is listed apart."""

    users: dict[str, set[str]] = field(default_factory=dict)
    clients: dict[str, set[str]] = field(default_factory=dict)
    apart: dict[Apart, int] = field(default_factory=dict)


def needs_of(records: Iterable[DecisionRecord], is_grantable: Callable[[str], bool]) -> Needs:
    """Return what the callers of refused requests lacked.

    Of alternatives it takes the one that fewest sides lack, by the order in the requirement. A
    scope is proposed for a request only where all that the request lacks can be granted.
    """
    needs = Needs()
    for record in records:
        if record.outcome not in _REFUSED:
            continue
        why, scopes = _why_apart(record, is_grantable)
        if why:
            _count(needs, record, why, scopes)
            continue
        for name in scopes:
            if name in (record.user_lacks or ()) and record.user is not None:
                needs.users.setdefault(record.user, set()).add(name)
            if name in (record.client_lacks or ()) and record.client is not None:
                needs.clients.setdefault(record.client, set()).add(name)
    return needs


def _why_apart(
    record: DecisionRecord, is_grantable: Callable[[str], bool]
) -> tuple[str, tuple[str, ...]]:
    """Return why no grant is proposed, or "" and the scopes that are."""
    if record.reason != "insufficient_scope":
        return "no grant would change this answer", ()
    if record.because:
        return f"no grant would change this answer: {record.because}", ()
    chosen: list[str] = []
    for group in record.requires_scopes:
        lacked = [name for name in group if _sides(record, name)]
        if len(lacked) < len(group):
            continue  # what is lacked by no side, or by none that was looked up
        able = [name for name in group if is_grantable(name)]
        if not able:
            return "the scope is sensitive or not declared: grant it by hand", group
        carried = [name for name in able if name not in (record.token_lacks or ())]
        if not carried:
            return "the token does not carry the scope: the client must ask for it", tuple(able)
        chosen.append(min(carried, key=lambda name: _sides(record, name)))
    if not chosen:
        return "the log does not tell what is lacked", ()
    return "", tuple(chosen)


def _sides(record: DecisionRecord, name: str) -> int:
    sides = (record.token_lacks, record.user_lacks, record.client_lacks)
    return sum(name in side for side in sides if side is not None)


def _count(needs: Needs, record: DecisionRecord, why: str, scopes: tuple[str, ...]) -> None:
    # Whom it concerns is told where somebody may grant it.
    user, client = (record.user, record.client) if scopes else (None, None)
    apart = Apart(why, record.reason, record.method, record.view, scopes, user, client)
    needs.apart[apart] = needs.apart.get(apart, 0) + 1


def by_groups(
    needs: Mapping[str, set[str]],
    members: Mapping[str, frozenset[str]],
    holds: Mapping[str, set[str]],
    wanted: Iterable[str] = (),
) -> tuple[dict[str, set[str]], dict[str, set[str]]]:
    """Return what to grant to groups, and what is left to grant to users.

    A group is given a scope that at least two of its members need, if every member needs it or
    `holds` it; a group in `wanted` also where others are members. The largest comes first.
    """
    groups: dict[str, set[str]] = {}
    users: dict[str, set[str]] = {}
    chosen = frozenset(wanted)
    for scope in sorted({name for names in needs.values() for name in names}):
        left = {user for user, names in needs.items() if scope in names}
        may = left | {user for user, names in holds.items() if scope in names}
        fit = {
            name: in_it
            for name, in_it in members.items()
            if name in chosen or (in_it <= may and len(in_it & left) > 1)
        }
        while left:
            best = max(sorted(fit), key=lambda name: len(fit[name] & left), default=None)
            if best is None or not fit[best] & left:
                break
            groups.setdefault(best, set()).add(scope)
            left -= fit[best]
        for user in left:
            users.setdefault(user, set()).add(scope)
    return groups, users
