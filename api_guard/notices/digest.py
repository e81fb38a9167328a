"""Writes what there is to tell as one mail in plain text."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from django.urls import NoReverseMatch, reverse

from api_guard.notices.collecting import (
    BREAK_GLASS,
    EXPIRED,
    EXPIRING,
    SENSITIVE,
    WAITING,
    Item,
)

_MOST = 200
_LENGTH = 200
_HEADINGS = {
    BREAK_GLASS: "Break-glass: granted by the grantee itself",
    SENSITIVE: "New grants of sensitive scopes",
    WAITING: "Requests that wait for a decision",
    EXPIRING: "Grants that expire soon",
    EXPIRED: "Grants that have expired",
}
_IN_SUBJECT = {
    BREAK_GLASS: "break-glass",
    SENSITIVE: "sensitive",
    WAITING: "waiting",
    EXPIRING: "expiring",
    EXPIRED: "expired",
}
_PAGES = {WAITING: "admin:api_guard_grantrequest_changelist"}
_PAGE = "admin:api_guard_scopegrant_changelist"


@dataclass(frozen=True)
class Digest:
    """A mail. The subject contains numbers only, and no text of a user."""

    subject: str
    body: str


def digest_of(found: Iterable[Item], base_url: str) -> Digest:
    """Return the mail that tells these items."""
    by_kind: dict[str, list[Any]] = {kind: [] for kind in _HEADINGS}
    for item in found:
        by_kind[item.kind].append(item.row)
    told = {kind: rows for kind, rows in by_kind.items() if rows}
    counts = ", ".join(f"{len(rows)} {_IN_SUBJECT[kind]}" for kind, rows in told.items())
    lines = [line for kind, rows in told.items() for line in _section(kind, rows, base_url)]
    return Digest(f"Access: {counts}", "\n".join(lines))


def _section(kind: str, rows: list[Any], base_url: str) -> Iterator[str]:
    yield f"{_HEADINGS[kind]} ({len(rows)})"
    yield from (f"- {_line(kind, row)}" for row in rows[:_MOST])
    if len(rows) > _MOST:
        yield f"- and {len(rows) - _MOST} more"
    page = _address(_PAGES.get(kind, _PAGE)) if base_url else ""
    if page:
        yield f"{base_url}{page}"
    yield ""


def _line(kind: str, row: Any) -> str:
    said = f"{row.scope} for {row.grantee_kind} {row.grantee}"
    if row.expires_at is not None:
        said += f", until {row.expires_at:%Y-%m-%d %H:%M %Z}"
    by = row.asked_by if kind == WAITING else row.granted_by
    said += f", by {by}" if by is not None and kind not in (EXPIRING, EXPIRED) else ""
    return _plain(f"{said}: {row.reason}" if row.reason else said)


def _plain(text: str) -> str:
    """Return text in one line without control characters, so that nobody can forge a line."""
    line = "".join(each if each.isprintable() else " " for each in text)
    return line if len(line) <= _LENGTH else f"{line[:_LENGTH]}…"


def _address(name: str) -> str:
    try:
        return reverse(name)
    except NoReverseMatch:
        return ""
