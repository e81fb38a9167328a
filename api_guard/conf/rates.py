"""Settings of the rates: whose address counts, and what happens without the counters."""

from __future__ import annotations

from typing import Literal

from django.conf import settings

from api_guard.conf.values import Rule, read, strings
from api_guard.core.addresses import Network, parse_networks

OnFault = Literal["local", "deny", "allow"]


def trusted_proxies() -> tuple[Network, ...]:
    """The networks whose word on X-Forwarded-For is taken; none by default."""
    try:
        return parse_networks(strings(read("TRUSTED_PROXIES")) or ())
    except ValueError:
        return ()


def on_fault() -> OnFault:
    """What a rate does while the counters' cache is down; what is unknown denies."""
    value = read("ON_FAULT")
    if value is None or value == "local":
        return "local"
    return "allow" if value == "allow" else "deny"


def ratelimit_enabled() -> bool:
    """Whether django-ratelimit was left on (`RATELIMIT_ENABLE`)."""
    return getattr(settings, "RATELIMIT_ENABLE", True) is not False


def _are_networks(value: object) -> bool:
    networks = strings(value)
    try:
        return networks is not None and len(parse_networks(networks)) == len(networks)
    except ValueError:
        return False


RULES: dict[str, Rule] = {
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
}
