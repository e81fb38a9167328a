"""Settings of access: exemptions, everyone's group, kinds of callers."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from typing import TypeGuard

from api_guard.conf.values import Rule, is_count, read, strings, text_mapping

UNSCOPED_AUTHENTICATION = (
    "rest_framework.authentication.SessionAuthentication",
    "rest_framework.authentication.BasicAuthentication",
    "rest_framework.authentication.TokenAuthentication",
)
LAST_USED_INTERVAL = 300
_AS_USER, _REFUSE = "user", "refuse"


def exempt() -> dict[str, str]:
    """Dotted paths of views or modules that need no guard, each with its reason."""
    return {path: reason for path, reason in text_mapping("EXEMPT").items() if reason.strip()}


def without_reason() -> list[str]:
    """Return the entries of EXEMPT that exempt nothing, because their reason is empty."""
    return [path for path in text_mapping("EXEMPT") if path not in exempt()]


def prefixes() -> tuple[str, ...]:
    """Paths below which every view must be guarded or exempt, also views of plain Django."""
    return tuple(text for text in strings(read("PREFIXES")) or () if text.startswith("/"))


def everyone_group() -> str | None:
    """The name of the group that includes every active user, if it is set."""
    value = read("EVERYONE_GROUP")
    return value if isinstance(value, str) and value else None


def is_everyone_group(name: str) -> bool:
    """Whether a group of this name may be everyone's: MySQL and MariaDB ignore case and accents."""
    everyone = everyone_group()
    return everyone is not None and _folded(name) == _folded(everyone)


def _folded(name: str) -> str:
    letters = unicodedata.normalize("NFKD", name.casefold())
    return "".join(each for each in letters if not unicodedata.combining(each)).rstrip()


def unscoped_authentication() -> frozenset[str]:
    """Dotted paths of the authenticators whose callers have all the scopes granted to the user."""
    value = read("UNSCOPED_AUTHENTICATION")
    if value is None:
        return frozenset(UNSCOPED_AUTHENTICATION)
    return frozenset(strings(value) or ())


def takes_clientless_tokens() -> bool:
    """Whether a token without a client acts for its user, limited to the token's scopes."""
    return read("CLIENTLESS_TOKENS") == _AS_USER


def last_used_interval() -> int:
    """Seconds in which the use of a grant is written at most once."""
    value = read("LAST_USED_INTERVAL")
    return value if is_count(value) else LAST_USED_INTERVAL


def max_grant_days() -> int | None:
    """The most days that any grant may last; None if there is no limit. A wrong value means 1."""
    value = read("MAX_GRANT_DAYS")
    return value if value is None or _is_number_of_days(value) else 1


def _is_number_of_days(value: object) -> TypeGuard[int]:
    return is_count(value) and value > 0


def _gives_reasons(value: object) -> bool:
    return isinstance(value, Mapping) and all(
        isinstance(key, str) and bool(str(text).strip()) for key, text in value.items()
    )


RULES: dict[str, Rule] = {
    "EXEMPT": (
        _gives_reasons,
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
    "CLIENTLESS_TOKENS": (
        lambda value: value in (_AS_USER, _REFUSE),
        f"must be {_AS_USER!r} or {_REFUSE!r}",
        f'"{_AS_USER}"',
    ),
    "MAX_GRANT_DAYS": (_is_number_of_days, "must be a whole number of days above 0", "365"),
    "LAST_USED_INTERVAL": (is_count, "must be a number of seconds", str(LAST_USED_INTERVAL)),
}
