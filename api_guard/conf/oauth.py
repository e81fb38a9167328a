"""Settings of tokens: their audience, and introspection at another server."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from api_guard.conf.values import Rule, is_count, read, strings

CLIENT_SECRET_CACHE_SECONDS = 30
INTROSPECTION_CACHE_SECONDS = 60
INTROSPECTION_TIMEOUT = 3
_AS_CLIENT, _REFUSE = "client", "refuse"
_LOGIN = {"CLIENT_ID", "CLIENT_SECRET"}
_BEARER = {"TOKEN"}
_NEEDED = {"URL", "ISSUER"}


@dataclass(frozen=True)
class Introspection:
    """The introspection endpoint of another authorization server (RFC 7662), and our access to it.

    We authenticate with a bearer `token`, or as a client with a secret; the other is empty.
    `timeout` is the time in seconds for the whole request. `is_unknown_subject_client` says that a
    token acts for its client alone if its user is not mapped to a user of this site.
    """

    url: str
    client_id: str
    client_secret: str = field(repr=False)
    token: str = field(repr=False)
    issuer: str
    timeout: int
    is_unknown_subject_client: bool


def audience() -> tuple[str, ...]:
    """The identifiers of this API in tokens (RFC 8707); none by default."""
    return strings(read("AUDIENCE")) or ()


def issues_tokens() -> bool:
    """Whether clients get access tokens here or at another server. Only checks ask for it."""
    return read("OAUTH2") is not False


def introspection() -> Introspection | None:
    """The server to ask about tokens of another site; None if the setting is incomplete."""
    value = read("INTROSPECTION")
    if not isinstance(value, Mapping) or not _is_introspection(value):
        return None
    return Introspection(
        url=value["URL"],
        client_id=value.get("CLIENT_ID", ""),
        client_secret=value.get("CLIENT_SECRET", ""),
        token=value.get("TOKEN", ""),
        issuer=value["ISSUER"],
        timeout=value.get("TIMEOUT", INTROSPECTION_TIMEOUT),
        is_unknown_subject_client=value.get("UNKNOWN_SUBJECT") == _AS_CLIENT,
    )


def introspection_cache_seconds() -> int:
    """Seconds for which an answer of the introspection endpoint is cached."""
    value = read("INTROSPECTION_CACHE_SECONDS")
    return value if is_count(value) else INTROSPECTION_CACHE_SECONDS


def client_secret_cache_seconds() -> int:
    """Seconds for which a process remembers that a client's secret was right; 0 turns it off."""
    value = read("CLIENT_SECRET_CACHE_SECONDS")
    return value if is_count(value) else CLIENT_SECRET_CACHE_SECONDS


def revoke_exposed_tokens() -> bool:
    """Whether a token that was sent where others can read it is revoked."""
    return read("REVOKE_EXPOSED_TOKENS") is True


def _is_introspection(value: object) -> bool:
    if not isinstance(value, Mapping):
        return False
    timeout = value.get("TIMEOUT", INTROSPECTION_TIMEOUT)
    said = value.keys() - {"TIMEOUT", "UNKNOWN_SUBJECT"}
    return (
        said in (_NEEDED | _LOGIN, _NEEDED | _BEARER)
        and all(isinstance(value[name], str) and value[name] for name in said)
        and value["URL"].startswith(("https://", "http://"))
        and is_count(timeout)
        and timeout > 0
        and value.get("UNKNOWN_SUBJECT", _REFUSE) in (_REFUSE, _AS_CLIENT)
    )


RULES: dict[str, Rule] = {
    "AUDIENCE": (
        lambda value: all(text.strip() for text in strings(value) or [""]),
        "must be a list of the identifiers of this API (RFC 8707)",
        '["https://api.example.com/"]',
    ),
    "CLIENT_SECRET_CACHE_SECONDS": (
        is_count,
        "must be a number of seconds",
        str(CLIENT_SECRET_CACHE_SECONDS),
    ),
    "INTROSPECTION": (
        _is_introspection,
        "must be a dict of URL, ISSUER, CLIENT_ID and CLIENT_SECRET (or TOKEN instead of both) "
        "and, optionally, TIMEOUT and UNKNOWN_SUBJECT",
        '{"URL": "https://auth.example.com/introspect/", "CLIENT_ID": "...", '
        '"CLIENT_SECRET": "...", "ISSUER": "https://auth.example.com"}',
    ),
    "INTROSPECTION_CACHE_SECONDS": (
        is_count,
        "must be a number of seconds",
        str(INTROSPECTION_CACHE_SECONDS),
    ),
    "OAUTH2": (lambda value: isinstance(value, bool), "must be True or False", "False"),
    "REVOKE_EXPOSED_TOKENS": (
        lambda value: isinstance(value, bool),
        "must be True or False",
        "True",
    ),
}
