"""Reads from the ledger which rows should exist, and in which state."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from api_guard import ledger
from api_guard.core.ledger import Event
from api_guard.grants.kept import Kept, State
from api_guard.grants.states import (
    APPROVAL,
    AUTHORITY,
    DECISION,
    GRANT,
    KINDS,
    OPEN,
    OVERRIDE,
    PIN,
    REQUEST,
    REVIEW,
    SUBJECT,
    Kind,
)
from api_guard.grants.wording import expiry, keep_date
from api_guard.models import GrantRequest

_GRANTED = GrantRequest.Outcome.GRANTED
_CLOSES: Mapping[str, str] = {
    Event.DECLINE: GrantRequest.Outcome.DECLINED,
    Event.WITHDRAW: GrantRequest.Outcome.WITHDRAWN,
    Event.EXPIRE: GrantRequest.Outcome.EXPIRED,
}
_ENDS: Mapping[str, tuple[Kind, ...]] = {
    Event.REVOKE: (GRANT,),
    Event.EXPIRE: (GRANT,),
    Event.DEAUTHORIZE: (AUTHORITY,),
    Event.END_OVERRIDE: (OVERRIDE,),
    Event.UNMAP_SUBJECT: (SUBJECT,),
    Event.UNPIN_BUNDLE: (PIN,),
    Event.DELETE: KINDS,
}


def read_ledger(should_be: Kept, since: int = 0) -> None:
    """Keep what should exist now, by the records of a larger number than `since`."""
    for said in ledger.contents(since):
        try:
            _read(should_be, said)
        except (ValueError, KeyError, TypeError, AttributeError):
            continue  # `verify` says what was done to it


def _read(should_be: Kept, said: ledger.Content) -> None:
    content: Any = json.loads(said.content)
    facts: Mapping[str, str | None] = content["facts"]
    for kind, read in _GIVES.get(said.event, {}).items():
        if kind.name in facts:
            should_be.give(kind.named(facts[kind.name]), read(said, content["scope"], facts))
    for kind in _ENDS.get(said.event, ()):
        if kind.name in facts:
            should_be.take(kind.named(facts[kind.name]))
    if said.event == Event.EXTEND:
        # An extension changes only the expiry. It does not justify what SQL changed before.
        should_be.change(GRANT.named(facts[GRANT.name]), _expiry(facts))
    if said.event == Event.KEEP:
        should_be.change(GRANT.named(facts[GRANT.name]), _kept(facts))
    if said.event == Event.CLOSE_REVIEW:
        should_be.change(REVIEW.named(facts[REVIEW.name]), {"closed": "yes"})
    if said.event == Event.APPROVE and facts.get("outcome") == _GRANTED:
        should_be.change(REQUEST.named(facts[REQUEST.name]), {"outcome": _GRANTED})
    if said.event in _CLOSES and REQUEST.name in facts:
        should_be.change(REQUEST.named(facts[REQUEST.name]), {"outcome": _CLOSES[said.event]})


def _party(name: str, said: ledger.Content, part: str) -> State:
    """Return a user, a group or a client of a record, if it was not erased."""
    detail = said.details.get(part)
    return {} if detail is None or detail.forgotten else {name: detail.key}


def _expiry(facts: Mapping[str, str | None]) -> State:
    moment = facts.get("expires_at")
    return {"expiry": expiry(None if moment is None else datetime.fromisoformat(moment))}


def _kept(facts: Mapping[str, str | None]) -> State:
    moment = facts.get("kept_until")
    return {"keep date": keep_date(None if moment is None else datetime.fromisoformat(moment))}


Facts = Mapping[str, str | None]
Reading = Callable[[ledger.Content, str, Facts], State]


def _grant(said: ledger.Content, scope: str, facts: Facts) -> State:
    flag = {"break-glass flag": facts.get("break_glass") or "no"}
    return {
        "scope": scope,
        **_party("grantee", said, "whom"),
        **_expiry(facts),
        **flag,
        **_kept(facts),
    }


def _authority(said: ledger.Content, scope: str, facts: Facts) -> State:
    del facts
    return {"scopes": scope, **_party("group", said, "whom")}


def _override(said: ledger.Content, scope: str, facts: Facts) -> State:
    limit = {"limit": str(facts["limit"])}
    return {"rate": scope, **limit, **_party("grantee", said, "whom"), **_expiry(facts)}


def _subject(said: ledger.Content, scope: str, facts: Facts) -> State:
    del scope, facts
    reason = said.details.get("reason")
    subject = {} if reason is None or reason.forgotten else {"subject": reason.text}
    return {**subject, **_party("user", said, "whom")}


def _request(said: ledger.Content, scope: str, facts: Facts) -> State:
    # Who has adopted a request is not who asked for it.
    asker = _party("asker", said, "who") if said.event == Event.REQUEST else {}
    outcome = {"outcome": facts.get("outcome") or OPEN}
    return {"scope": scope, **_party("grantee", said, "whom"), **_expiry(facts), **asker, **outcome}


def _approval(said: ledger.Content, scope: str, facts: Facts) -> State:
    del scope
    part = "who" if said.event == Event.APPROVE else "whom"
    # In a record of an adoption, the fact `request` would name an adopted request.
    request = facts.get("approves") or facts[REQUEST.name]
    return {"request": str(request), **_party("user", said, part), **_expiry(facts)}


def _pin(said: ledger.Content, scope: str, facts: Facts) -> State:
    del said
    return {"bundle": scope, "scopes": str(facts["scopes"])}


def _review(said: ledger.Content, scope: str, facts: Facts) -> State:
    del scope
    return {
        "covers": str(facts["covers"]),
        "due": keep_date(datetime.fromisoformat(str(facts["due_at"]))),
        "list": str(facts["grants"]),
        "closed": facts.get("closed") or "no",
        **_party("reviewer", said, "whom"),
    }


def _decision(said: ledger.Content, scope: str, facts: Facts) -> State:
    del scope
    moment = facts.get("until")
    # Who has adopted a decision has not made it.
    part = "who" if said.event == Event.REVIEW else "whom"
    return {
        "review": str(facts["of_review"]),
        "grant": str(facts["reviewed"]),
        "decision": str(facts["said"]),
        "keep date": keep_date(None if moment is None else datetime.fromisoformat(moment)),
        **_party("decider", said, part),
    }


_GIVES: Mapping[str, Mapping[Kind, Reading]] = {
    Event.GRANT: {GRANT: _grant},
    Event.AUTHORIZE: {AUTHORITY: _authority},
    Event.OVERRIDE: {OVERRIDE: _override},
    Event.MAP_SUBJECT: {SUBJECT: _subject},
    Event.REQUEST: {REQUEST: _request},
    Event.APPROVE: {APPROVAL: _approval},
    Event.OPEN_REVIEW: {REVIEW: _review},
    Event.REVIEW: {DECISION: _decision},
    Event.PIN_BUNDLE: {PIN: _pin},
    Event.ADOPT: {
        PIN: _pin,
        GRANT: _grant,
        AUTHORITY: _authority,
        OVERRIDE: _override,
        SUBJECT: _subject,
        REQUEST: _request,
        APPROVAL: _approval,
        REVIEW: _review,
        DECISION: _decision,
    },
}
