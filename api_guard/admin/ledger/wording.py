"""A record of the ledger in words: what was done, and the old and the new values."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from api_guard.core.ledger import Event, Known

EVENTS = {
    Event.GRANT: gettext_lazy("granted"),
    Event.EXTEND: gettext_lazy("changed the end"),
    Event.REVOKE: gettext_lazy("revoked"),
    Event.KEEP: gettext_lazy("kept although unused"),
    Event.ADOPT: gettext_lazy("adopted: older than the ledger"),
    Event.EXPIRE: gettext_lazy("closed: was over"),
    Event.REQUEST: gettext_lazy("asked for"),
    Event.APPROVE: gettext_lazy("approved"),
    Event.DECLINE: gettext_lazy("declined"),
    Event.WITHDRAW: gettext_lazy("withdrew the request"),
    Event.AUTHORIZE: gettext_lazy("may now manage scopes"),
    Event.DEAUTHORIZE: gettext_lazy("may no longer manage scopes"),
    Event.END_ACCESS: gettext_lazy("ended all tokens"),
    Event.OVERRIDE: gettext_lazy("set another limit"),
    Event.END_OVERRIDE: gettext_lazy("removed another limit"),
    Event.JOIN_GROUP: gettext_lazy("joined a group"),
    Event.LEAVE_GROUP: gettext_lazy("left a group"),
    Event.DELETE: gettext_lazy("deleted with its grantee"),
    Event.CLIENT_OWNER: gettext_lazy("owner of a client"),
    Event.CLIENT_REDIRECTS: gettext_lazy("addresses of a client"),
    Event.CLIENT_SECRET: gettext_lazy("secret of a client"),
    Event.MAP_SUBJECT: gettext_lazy("mapped a remote subject"),
    Event.UNMAP_SUBJECT: gettext_lazy("unmapped a remote subject"),
    Event.RENAME_GROUP: gettext_lazy("renamed a group"),
    Event.REACTIVATE: gettext_lazy("made active again"),
    Event.OPEN_REVIEW: gettext_lazy("opened a review"),
    Event.REVIEW: gettext_lazy("decided in a review"),
    Event.CLOSE_REVIEW: gettext_lazy("closed a review"),
    Event.PIN_BUNDLE: gettext_lazy("pinned a bundle"),
    Event.UNPIN_BUNDLE: gettext_lazy("unpinned a bundle"),
    Event.LIFT_BLOCK: gettext_lazy("lifted a block"),
    Event.SYNC: gettext_lazy("applied a file"),
    Event.FORGET: gettext_lazy("erased personal data"),
    Event.PRUNE: gettext_lazy("pruned the ledger"),
}
_KNOWN = {
    Known.AUTHENTICATED: gettext_lazy("signed in"),
    Known.CLAIMED: gettext_lazy("claimed"),
    Known.SYSTEM: gettext_lazy("code"),
    Known.UNKNOWN: gettext_lazy("unknown"),
}
_LABELS = {
    "expires_at": gettext_lazy("ends"),
    "kept_until": gettext_lazy("kept until"),
    "limit": gettext_lazy("limit"),
    "name": gettext_lazy("name"),
    "scopes": gettext_lazy("scopes"),
    "break_glass": gettext_lazy("break-glass"),
    "tokens": gettext_lazy("tokens"),
    "group_name": gettext_lazy("group"),
    "due_at": gettext_lazy("due"),
    "until": gettext_lazy("until"),
    "since": gettext_lazy("since"),
    "said": gettext_lazy("decision"),
    "outcome": gettext_lazy("outcome"),
    "redirect_uris": gettext_lazy("redirect URIs"),
    "changes": gettext_lazy("changes"),
    "undecided": gettext_lazy("undecided"),
    "kind": gettext_lazy("kind"),
    "rate": gettext_lazy("rate"),
}
# The fact whose old value is the fact `was`.
_WAS = {
    Event.EXTEND: "expires_at",
    Event.KEEP: "kept_until",
    Event.OVERRIDE: "limit",
    Event.RENAME_GROUP: "name",
    Event.PIN_BUNDLE: "scopes",
}
_MOMENTS = frozenset({"expires_at", "kept_until", "due_at", "until", "since"})


@dataclass(frozen=True)
class Fact:
    """A value of a record, with the old one if it replaced another."""

    label: Any
    new: str
    old: str = ""

    def __str__(self) -> str:
        return f"{self.label}: {self.old} → {self.new}" if self.old else f"{self.label}: {self.new}"


def event_in_words(event: str) -> Any:
    """Return what was done. An unknown event stands as it is."""
    return EVENTS[Event(event)] if event in set(Event) else event


def known_in_words(known: str) -> Any:
    """Return how the ledger knows who acted."""
    return _KNOWN[Known(known)] if known in set(Known) else known


def content_of(text: str) -> dict[str, Any]:
    """Return the content of a record, or an empty dict if somebody made it unreadable."""
    try:
        said = json.loads(text)
    except ValueError:
        return {}
    return said if isinstance(said, dict) else {}


def facts_of(event: str, content: dict[str, Any]) -> Iterator[Fact]:
    """Yield the values that a person wants to know: no keys of rows and no digests."""
    facts = content.get("facts")
    if not isinstance(facts, dict):
        return
    changed = _WAS.get(Event(event)) if event in set(Event) else None
    for name, value in facts.items():
        if name not in _LABELS or (value is None and name not in ("expires_at", changed)):
            continue
        is_new = name == changed and event == Event.OVERRIDE and facts.get("was") is None
        old = _said(name, facts.get("was")) if name == changed and not is_new else ""
        yield Fact(_LABELS[name], _said(name, value), old)


def moment_of(text: object) -> datetime | None:
    """Return a time that is written in ISO 8601, in the current zone; None for anything else."""
    try:
        found = datetime.fromisoformat(str(text))
        return timezone.localtime(found) if timezone.is_aware(found) else found
    except (ValueError, OverflowError):
        return None


def _said(name: str, value: object) -> str:
    if name in _MOMENTS:
        moment = moment_of(value)
        if moment is None:
            return _("never") if value is None else str(value)
        return date_format(moment, "SHORT_DATETIME_FORMAT")
    return _("nothing") if value in (None, "") else str(value)
