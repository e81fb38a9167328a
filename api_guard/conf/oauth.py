"""Settings of tokens: whom they are meant for, and who is asked about those of another server."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from api_guard.conf.values import Rule, is_count, read, strings

INTROSPECTION_CACHE_SECONDS = 60
INTROSPECTION_TIMEOUT = 3
_NEEDED = ("URL", "CLIENT_ID", "CLIENT_SECRET", "ISSUER")


@dataclass(frozen=True)
class Introspection:
    """The introspection endpoint of another authorization server (RFC 7662), and our client there.

    `timeout` is the time, in seconds, that a whole question may take.
    """

    url: str
    client_id: str
    client_secret: str = field(repr=False)
    issuer: str
    timeout: int


def audience() -> tuple[str, ...]:
    """The identifiers by which tokens may name this API (RFC 8707); none by default."""
    return strings(read("AUDIENCE")) or ()


def introspection() -> Introspection | None:
    """Who is asked about the tokens of another server; None where that is not wholly said."""
    value = read("INTROSPECTION")
    if not isinstance(value, Mapping) or not _is_introspection(value):
        return None
    url, client_id, client_secret, issuer = (str(value[name]) for name in _NEEDED)
    timeout = value.get("TIMEOUT", INTROSPECTION_TIMEOUT)
    return Introspection(url, client_id, client_secret, issuer, timeout)


def introspection_cache_seconds() -> int:
    """Seconds for which an answer of the introspection endpoint is believed."""
    value = read("INTROSPECTION_CACHE_SECONDS")
    return value if is_count(value) else INTROSPECTION_CACHE_SECONDS


def revoke_exposed_tokens() -> bool:
    """Whether a token that was sent where others can read it is revoked."""
    return read("REVOKE_EXPOSED_TOKENS") is True


def _is_introspection(value: object) -> bool:
    if not isinstance(value, Mapping) or not value.keys() <= {*_NEEDED, "TIMEOUT"}:
        return False
    timeout = value.get("TIMEOUT", INTROSPECTION_TIMEOUT)
    return (
        all(isinstance(value.get(name), str) and value[name] for name in _NEEDED)
        and value["URL"].startswith(("https://", "http://"))
        and is_count(timeout)
        and timeout > 0
    )


RULES: dict[str, Rule] = {
    "AUDIENCE": (
        lambda value: all(text.strip() for text in strings(value) or [""]),
        "must be a list of the identifiers of this API (RFC 8707)",
        '["https://api.example.com/"]',
    ),
    "INTROSPECTION": (
        _is_introspection,
        "must be a dict of URL, CLIENT_ID, CLIENT_SECRET, ISSUER and, where you like, TIMEOUT",
        '{"URL": "https://auth.example.com/introspect/", "CLIENT_ID": "...", '
        '"CLIENT_SECRET": "...", "ISSUER": "https://auth.example.com"}',
    ),
    "INTROSPECTION_CACHE_SECONDS": (
        is_count,
        "must be a number of seconds",
        str(INTROSPECTION_CACHE_SECONDS),
    ),
    "REVOKE_EXPOSED_TOKENS": (
        lambda value: isinstance(value, bool),
        "must be True or False",
        "True",
    ),
}
