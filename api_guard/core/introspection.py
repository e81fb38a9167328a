"""Reads the answer of an introspection endpoint about a token (RFC 7662 §2.2)."""

from __future__ import annotations

import math
import re
from collections.abc import Collection, Mapping
from contextlib import suppress
from dataclasses import dataclass

from api_guard.core.audiences import is_meant_for

# Characters that databases and headers cannot store: null and lone surrogates.
_NOT_TEXT = re.compile("[\0\ud800-\udfff]")


class MalformedAnswer(ValueError):
    """The answer is not a clear yes or no."""


@dataclass(frozen=True)
class Claims:
    """The claims of an active token in the answer.

    `expires` is a POSIX time, or None if the answer has none. `username` is only for display: later
    it may belong to somebody else.
    """

    scope: str
    client_id: str | None
    subject: str | None
    expires: float | None
    username: str | None = None

    @property
    def is_clients_own(self) -> bool:
        """Whether a client acts for itself: there is no subject, or it is the client (RFC 9068
        §2.2).

        An answer with a user's name and without a subject is about a user too.
        """
        told = self.username if self.subject is None else self.subject
        return told is None or told == self.client_id


def read_claims(
    answer: object, *, issuer: str, audience: Collection[str], path: str, now: float
) -> Claims | None:
    """Return the claims of a token that is valid here at `now`; None for any other token.

    A token is not valid for this API if it is from another issuer, for another audience, bound to a
    key (RFC 9449, RFC 8705) or of another type. Raises MalformedAnswer.
    """
    if not isinstance(answer, Mapping) or not isinstance(answer.get("active"), bool):
        raise MalformedAnswer("it does not say whether the token is active")
    if not answer["active"]:
        return None
    expires, begins = _time(answer, "exp"), _time(answer, "nbf")
    scope, client_id = _text(answer, "scope"), _text(answer, "client_id")
    subject, username = _text(answer, "sub"), _text(answer, "username")
    if (expires is not None and expires <= now) or (begins is not None and begins > now):
        return None
    if _text(answer, "iss") not in (None, issuer) or answer.get("cnf") is not None:
        return None
    if (_text(answer, "token_type") or "bearer").lower() != "bearer":
        return None
    if not _is_for_us(_audience(answer), audience, path):
        return None
    return Claims(scope or "", client_id, subject, expires, username)


def _is_for_us(named: list[str], audience: Collection[str], path: str) -> bool:
    if not audience:
        # No audience is configured for us, so a token that names an audience may mean another API.
        return not named
    return is_meant_for(named, audience, path)


def _audience(answer: Mapping[str, object]) -> list[str]:
    value = answer.get("aud")
    if value is None:
        return []
    values = value if isinstance(value, list) else [value]
    named = [name for name in values if isinstance(name, str) and not _NOT_TEXT.search(name)]
    if len(named) != len(values):
        raise MalformedAnswer("aud is neither a string nor a list of strings")
    return named


def _text(answer: Mapping[str, object], name: str) -> str | None:
    value = answer.get(name)
    if value is None:
        return None
    if isinstance(value, str) and not _NOT_TEXT.search(value):
        return value
    raise MalformedAnswer(f"{name} is not text")


def _time(answer: Mapping[str, object], name: str) -> float | None:
    value = answer.get(name)
    if value is None:
        return None
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        with suppress(OverflowError):  # an integer of any length
            if math.isfinite(value):
                return float(value)
    raise MalformedAnswer(f"{name} is not a time")
