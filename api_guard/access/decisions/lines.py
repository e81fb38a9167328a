"""Signs the line of a decision, and reads it back."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from django.core.signing import BadSignature, Signer

from api_guard.core.decision_records import DecisionRecord, record_from

_SIGNATURE = "signature"


def line_of(record: DecisionRecord) -> str:
    """Return one signed line of JSON. A client cannot forge a decision with text in a log."""
    line = record.as_line()
    return json.dumps(record.as_dict() | {_SIGNATURE: _signer().signature(line)})


def read_line(line: str) -> DecisionRecord | None:
    """Return the decision in a line of a log; None if this site did not sign one.

    The line comes from `line_of`, or is a JSON object that contains it as text or as an object.
    """
    return next(filter(None, map(_verified, _candidates(line))), None)


def is_unsigned(line: str) -> bool:
    """Whether a line has a decision, and none that this site signed."""
    return any(map(_record_of, _candidates(line))) and read_line(line) is None


def _candidates(line: str) -> Iterator[Any]:
    said = _parsed(line.strip())
    if isinstance(said, Mapping):
        yield said
        for value in said.values():
            yield _parsed(value) if isinstance(value, str) else value
        return
    # A formatter may put a time in front of each line.
    _, brace, rest = line.strip().partition('{"decision": ')
    yield _parsed('{"decision": ' + rest) if brace else None


def _verified(said: Any) -> DecisionRecord | None:
    record = _record_of(said)
    signature = None if record is None else said.get(_SIGNATURE)
    if record is None or not isinstance(signature, str):
        return None
    signer = _signer()
    try:
        signer.unsign(f"{record.as_line()}{signer.sep}{signature}")
    except BadSignature:
        return None
    return record


def _record_of(said: Any) -> DecisionRecord | None:
    if not isinstance(said, Mapping):
        return None
    return record_from({name: said[name] for name in said if name != _SIGNATURE})


def _parsed(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def _signer() -> Signer:
    return Signer(salt="api_guard.decisions")
