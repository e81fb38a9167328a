"""Suggests the fewest grants that would have allowed the refused requests."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from api_guard.core.decision_records import DecisionRecord, Outcome

# Nobody gets by a grant what was refused before there was a guard.
_NOT_LET_IN = "it was refused before as well"
_UNCHANGED = "no grant would change this answer"
# The guard will break what works today, and a grant does not help.
_LET_IN = f"it was let in until now, and {_UNCHANGED}"
_BECAUSE = {
    "clientless_token": 'the token has no client, see API_GUARD["CLIENTLESS_TOKENS"]',
    "scopes_not_reported": "its authenticator does not report scopes, see api_guard.E006",
}
_CHECKED = "it was let in until now: its guard is PUBLIC if the view checks its callers itself"
_REFUSED = (Outcome.WOULD_REFUSE.value, Outcome.REFUSED.value)


@dataclass(frozen=True)
class Apart:
    """Refusals for which no grant is suggested, and the reason."""

    why: str
    reason: str
    method: str
    view: str
    action: str = ""
    scopes: tuple[str, ...] = ()
    user: str | None = None
    client: str | None = None


@dataclass
class Needs:
    """The scopes that users and clients lacked, by primary key, and the refusals listed apart.

    `requests` counts by kind and primary key.
    """

    users: dict[str, set[str]] = field(default_factory=dict)
    clients: dict[str, set[str]] = field(default_factory=dict)
    requests: dict[tuple[str, str], int] = field(default_factory=dict)
    apart: dict[Apart, int] = field(default_factory=dict)

    def add(self, kind: str, key: str, scopes: set[str]) -> None:
        """Note what one request needed of one side."""
        side = self.users if kind == "user" else self.clients
        side.setdefault(key, set()).update(scopes)
        self.requests[kind, key] = self.requests.get((kind, key), 0) + 1

    def without(self, kind: str, gone: Iterable[str]) -> None:
        """List apart those that nothing can be granted to, because they are not there any more."""
        side = self.users if kind == "user" else self.clients
        for key in gone:
            scopes = tuple(sorted(side.pop(key)))
            apart = Apart(
                f"the {kind} is not there any more", "insufficient_scope", "", "", scopes=scopes
            )
            self.apart[apart] = self.apart.get(apart, 0) + self.requests[kind, key]


def needs_of(records: Iterable[DecisionRecord], is_grantable: Callable[[str], bool]) -> Needs:
    """Return the scopes that the callers of refused requests lacked.

    Of several alternatives, it takes the one that the fewest sides lack; if equal, the first in the
    requirement. Scopes are suggested for a request only if all its missing scopes can be granted.
    """
    needs = Needs()
    for record in records:
        if record.outcome not in _REFUSED:
            continue
        why, scopes = _why_apart(record, is_grantable)
        if why:
            _count(needs, record, why, scopes)
            continue
        for kind, key, lacks in (
            ("user", record.user, record.user_lacks),
            ("client", record.client, record.client_lacks),
        ):
            needed = set(scopes) & set(lacks or ())
            if needed and key is not None:
                needs.add(kind, key, needed)
    return needs


def _why_apart(
    record: DecisionRecord, is_grantable: Callable[[str], bool]
) -> tuple[str, tuple[str, ...]]:
    """Return why no grant is suggested, or "" and the suggested scopes."""
    if record.reason != "insufficient_scope":
        return _why_no_grant(record), ()
    if record.because:
        return f"{_why_no_grant(record)}: {_BECAUSE.get(record.because, record.because)}", ()
    if record.outcome == Outcome.WOULD_REFUSE.value and record.answered in (None, 401, 403):
        return _NOT_LET_IN if record.answered else "the log does not tell how it was answered", ()
    chosen: list[str] = []
    for group in record.requires_scopes:
        lacked = [name for name in group if _sides(record, name)]
        if len(lacked) < len(group):
            continue  # no side lacks it, or none that was looked up
        able = [name for name in group if is_grantable(name)]
        if not able:
            return "the scope is sensitive or not declared: grant it by hand", group
        carried = [name for name in able if name not in (record.token_lacks or ())]
        if not carried:
            return "the token does not carry the scope: the client must ask for it", tuple(able)
        chosen.append(min(carried, key=lambda name: _sides(record, name)))
    if not chosen:
        return "the log does not show which scope is missing", ()
    return "", tuple(chosen)


def _why_no_grant(record: DecisionRecord) -> str:
    if record.outcome != Outcome.WOULD_REFUSE.value or record.answered in (None, 401, 403):
        return _UNCHANGED
    return _CHECKED if record.reason == "not_authenticated" else _LET_IN


def _sides(record: DecisionRecord, name: str) -> int:
    sides = (record.token_lacks, record.user_lacks, record.client_lacks)
    return sum(name in side for side in sides if side is not None)


def _count(needs: Needs, record: DecisionRecord, why: str, scopes: tuple[str, ...]) -> None:
    # Name the user and the client only if there are scopes that somebody can grant.
    user, client = (record.user, record.client) if scopes else (None, None)
    said = (record.reason, record.method, record.view, record.action)
    apart = Apart(why, *said, scopes, user, client)
    needs.apart[apart] = needs.apart.get(apart, 0) + 1


def by_groups(
    needs: Mapping[str, set[str]],
    members: Mapping[str, frozenset[str]],
    holds: Mapping[str, set[str]],
    wanted: Iterable[str] = (),
) -> tuple[dict[str, set[str]], dict[str, set[str]]]:
    """Return what to grant to groups, and what is left to grant to users.

    A group gets a scope if at least two of its members need it and every other member needs it or
    already `holds` it. A group in `wanted` gets it even if others are members. The largest group
    comes first.
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
