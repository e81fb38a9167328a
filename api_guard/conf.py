"""The one reader of `settings.API_GUARD`; it reads afresh, so that tests may change it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal, TypeGuard

from django.conf import settings

from api_guard.core.addresses import Network, parse_networks
from api_guard.core.scopes import PROTOCOL_SCOPES, did_you_mean, is_scope_name

Engine = Literal["nh3", "bleach"]
OnFault = Literal["local", "deny", "allow"]

UNSCOPED_AUTHENTICATION = (
    "rest_framework.authentication.SessionAuthentication",
    "rest_framework.authentication.BasicAuthentication",
    "rest_framework.authentication.TokenAuthentication",
)
LAST_USED_INTERVAL = 300
NAMES = (
    "SCOPES",
    "EXEMPT",
    "PREFIXES",
    "EVERYONE_GROUP",
    "UNSCOPED_AUTHENTICATION",
    "LAST_USED_INTERVAL",
    "TRUSTED_PROXIES",
    "ON_FAULT",
    "SANITIZER",
)


@dataclass(frozen=True)
class Mistake:
    """A wrong value: the setting's name, what is wrong, and the line that mends it."""

    name: str
    problem: str
    mend: str


def _read(name: str) -> object:
    values = getattr(settings, "API_GUARD", None)
    return values.get(name) if isinstance(values, Mapping) else None


def _text_mapping(name: str) -> dict[str, str]:
    value = _read(name)
    if not isinstance(value, Mapping):
        return {}
    return {key: str(text) for key, text in value.items() if isinstance(key, str)}


def scopes() -> dict[str, str]:
    """The declared scopes, each with its description. What is no scope name is left out."""
    return {name: text for name, text in _text_mapping("SCOPES").items() if _is_declarable(name)}


def exempt() -> dict[str, str]:
    """Dotted paths of views or modules that need no guard, each with its reason."""
    return {path: reason for path, reason in _text_mapping("EXEMPT").items() if reason.strip()}


def prefixes() -> tuple[str, ...]:
    """Paths below which every view must be exempt or guarded, those of plain Django too."""
    return tuple(text for text in _strings(_read("PREFIXES")) or () if text.startswith("/"))


def everyone_group() -> str | None:
    """The name of the group to which every active user belongs, if there is one."""
    value = _read("EVERYONE_GROUP")
    return value if isinstance(value, str) and value else None


def unscoped_authentication() -> frozenset[str]:
    """Dotted paths of the authenticators whose callers hold all that was granted to the user."""
    value = _read("UNSCOPED_AUTHENTICATION")
    if value is None:
        return frozenset(UNSCOPED_AUTHENTICATION)
    return frozenset(_strings(value) or ())


def last_used_interval() -> int:
    """Seconds within which the use of one grant is written once."""
    value = _read("LAST_USED_INTERVAL")
    return value if _is_seconds(value) else LAST_USED_INTERVAL


def trusted_proxies() -> tuple[Network, ...]:
    """The networks whose word on X-Forwarded-For is taken; none by default."""
    try:
        return parse_networks(_strings(_read("TRUSTED_PROXIES")) or ())
    except ValueError:
        return ()


def is_set(name: str) -> bool:
    """Whether `settings.API_GUARD` says anything of `name`."""
    return _read(name) is not None


def on_fault() -> OnFault:
    """What a rate does while the counters' cache is down; what is unknown denies."""
    value = _read("ON_FAULT")
    if value is None or value == "local":
        return "local"
    return "allow" if value == "allow" else "deny"


def sanitizer() -> Engine:
    """The HTML engine of RichTextField."""
    return "bleach" if _read("SANITIZER") == "bleach" else "nh3"


def ratelimit_enabled() -> bool:
    """Whether django-ratelimit was left on (`RATELIMIT_ENABLE`)."""
    return getattr(settings, "RATELIMIT_ENABLE", True) is not False


def mistakes() -> list[Mistake]:
    """Return everything in `settings.API_GUARD` that is not what it should be."""
    values = getattr(settings, "API_GUARD", {})
    if not isinstance(values, Mapping):
        return [Mistake("API_GUARD", "is not a dict", 'API_GUARD = {"SCOPES": {...}}')]
    found = [
        Mistake(
            str(name),
            f"is not a setting of api_guard.{did_you_mean(name, NAMES)}",
            f"Remove it, or use one of: {', '.join(NAMES)}.",
        )
        for name in values
        if name not in NAMES
    ]
    for name, (is_right, problem, mend) in _RULES.items():
        if name in values and not is_right(values[name]):
            found.append(Mistake(name, problem, f'API_GUARD["{name}"] = {mend}'))
    return found


def _strings(value: object) -> tuple[str, ...] | None:
    if isinstance(value, (list, tuple, set, frozenset)):
        items = tuple(item for item in value if isinstance(item, str))
        return items if len(items) == len(value) else None
    return None


def _is_seconds(value: object) -> TypeGuard[int]:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _are_networks(value: object) -> bool:
    networks = _strings(value)
    try:
        return networks is not None and len(parse_networks(networks)) == len(networks)
    except ValueError:
        return False


def _is_declarable(name: object) -> bool:
    return is_scope_name(name) and name not in PROTOCOL_SCOPES


def _describes(value: object, *, scope: bool) -> bool:
    return isinstance(value, Mapping) and all(
        isinstance(key, str) and bool(str(text).strip()) and (not scope or _is_declarable(key))
        for key, text in value.items()
    )


_RULES: dict[str, tuple[Callable[[object], bool], str, str]] = {
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
        lambda value: all(text.startswith("/") for text in _strings(value) or [""]),
        "must be a list of paths that begin with a slash",
        '["/api/"]',
    ),
    "EVERYONE_GROUP": (
        lambda value: isinstance(value, str) and bool(value),
        "must be the name of a group",
        '"everyone"',
    ),
    "UNSCOPED_AUTHENTICATION": (
        lambda value: _strings(value) is not None,
        "must be a list of dotted paths",
        repr(list(UNSCOPED_AUTHENTICATION)),
    ),
    "LAST_USED_INTERVAL": (_is_seconds, "must be a number of seconds", str(LAST_USED_INTERVAL)),
    "TRUSTED_PROXIES": (
        _are_networks,
        "must be a list of networks",
        '["10.0.0.0/8"], or [] where no proxy stands before the API',
    ),
    "ON_FAULT": (
        lambda value: value in ("local", "deny", "allow"),
        "must be 'local', 'deny' or 'allow'",
        '"local"',
    ),
    "SANITIZER": (lambda value: value in ("nh3", "bleach"), "must be 'nh3' or 'bleach'", '"nh3"'),
}
