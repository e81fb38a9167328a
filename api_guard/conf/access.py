"""Settings of who may do what: scopes, exemptions, callers."""

from __future__ import annotations

from collections.abc import Mapping

from api_guard.conf.values import Rule, is_count, read, strings, text_mapping
from api_guard.core.scopes import PROTOCOL_SCOPES, alike, is_scope_name

UNSCOPED_AUTHENTICATION = (
    "rest_framework.authentication.SessionAuthentication",
    "rest_framework.authentication.BasicAuthentication",
    "rest_framework.authentication.TokenAuthentication",
)
LAST_USED_INTERVAL = 300


def scopes() -> dict[str, str]:
    """The declared scopes, each with its description.

    Invalid names are left out, and so are names that differ in case alone: none of them can be
    granted.
    """
    declared = _declarable()
    unclear = {name for names in alike(declared) for name in names}
    return {name: text for name, text in declared.items() if name not in unclear}


def scopes_alike() -> list[tuple[str, ...]]:
    """The declared scopes whose names differ in case alone, together."""
    return alike(_declarable())


def _declarable() -> dict[str, str]:
    return {name: text for name, text in text_mapping("SCOPES").items() if _is_declarable(name)}


def exempt() -> dict[str, str]:
    """Dotted paths of views or modules that need no guard, each with its reason."""
    return {path: reason for path, reason in text_mapping("EXEMPT").items() if reason.strip()}


def prefixes() -> tuple[str, ...]:
    """Paths below which every view must be exempt or guarded, those of plain Django too."""
    return tuple(text for text in strings(read("PREFIXES")) or () if text.startswith("/"))


def everyone_group() -> str | None:
    """The name of the group to which every active user belongs, if there is one."""
    value = read("EVERYONE_GROUP")
    return value if isinstance(value, str) and value else None


def unscoped_authentication() -> frozenset[str]:
    """Dotted paths of the authenticators whose callers hold all that was granted to the user."""
    value = read("UNSCOPED_AUTHENTICATION")
    if value is None:
        return frozenset(UNSCOPED_AUTHENTICATION)
    return frozenset(strings(value) or ())


def last_used_interval() -> int:
    """Seconds within which the use of one grant is written once."""
    value = read("LAST_USED_INTERVAL")
    return value if is_count(value) else LAST_USED_INTERVAL


def _is_declarable(name: object) -> bool:
    return is_scope_name(name) and name not in PROTOCOL_SCOPES


def _describes(value: object, *, scope: bool) -> bool:
    return isinstance(value, Mapping) and all(
        isinstance(key, str) and bool(str(text).strip()) and (not scope or _is_declarable(key))
        for key, text in value.items()
    )


RULES: dict[str, Rule] = {
    "SCOPES": (
        lambda value: _describes(value, scope=True),
        "must map each scope's name (RFC 6749 §3.3; none of OpenID Connect's) to a description",
        '{"notes:read": "Read notes"}',
    ),
    "EXEMPT": (
        lambda value: _describes(value, scope=False),
        "must map each dotted path to a reason that is not empty",
        '{"drf_spectacular.views": "the schema is public"}',
    ),
    "PREFIXES": (
        lambda value: all(text.startswith("/") for text in strings(value) or [""]),
        "must be a list of paths that begin with a slash",
        '["/api/"]',
    ),
    "EVERYONE_GROUP": (
        lambda value: isinstance(value, str) and bool(value),
        "must be the name of a group",
        '"everyone"',
    ),
    "UNSCOPED_AUTHENTICATION": (
        lambda value: strings(value) is not None,
        "must be a list of dotted paths",
        repr(list(UNSCOPED_AUTHENTICATION)),
    ),
    "LAST_USED_INTERVAL": (is_count, "must be a number of seconds", str(LAST_USED_INTERVAL)),
}
