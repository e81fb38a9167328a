"""Settings of the rates: ceilings, proxies, and what happens while the counters are down."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from typing import Literal, TypeGuard

from django.conf import settings

from api_guard.conf.values import Rule, is_count, read, strings
from api_guard.core.addresses import Proxies
from api_guard.core.rates import CEILING, Rate, RateError, parse_rates

OnFault = Literal["local", "deny", "allow"]
ProxyHeader = Literal["X-Forwarded-For", "Forwarded"]
CALLERS = ("user", "client", "address")
COUNTER_TIMEOUT = 0.5
MAX_COUNTERS = 100_000
_LONGEST = 10
# The ceiling if the setting is invalid: the smallest one.
_LEAST = (Rate(1, 1, budget=CEILING),)


def ceiling(kind: str) -> tuple[Rate, ...]:
    """The rates of all requests of one caller; `kind` is user, client or address.

    An invalid value means one request a second.
    """
    value = read("CEILING")
    if isinstance(value, Mapping):
        value = value.get(kind) if value.keys() <= set(CALLERS) else "unreadable"
    if value is None:
        return ()
    return _ceiling(value) or _LEAST


def _ceiling(value: object) -> tuple[Rate, ...]:
    """Return the rates of a ceiling, () if they are invalid."""
    try:
        rates = parse_rates(value)
    except RateError:
        return ()
    if any(rate.cost > 1 or rate.budget for rate in rates):
        return ()
    return tuple(replace(rate, budget=CEILING) for rate in rates)


def trusted_proxies() -> Proxies:
    """The proxies that are trusted to name a caller's address; empty by default."""
    return _proxies(strings(read("TRUSTED_PROXIES")) or ())


@cache
def _proxies(values: tuple[str, ...]) -> Proxies:
    try:
        return Proxies.parse(values)
    except ValueError:
        return Proxies()


def proxy_header() -> ProxyHeader:
    """The field in which the trusted proxies write addresses."""
    return "Forwarded" if read("PROXY_HEADER") == "Forwarded" else "X-Forwarded-For"


def counter_timeout() -> float:
    """Seconds that one wait for the counters' cache may take."""
    value = read("COUNTER_TIMEOUT")
    return float(value) if _is_timeout(value) else COUNTER_TIMEOUT


def max_counters() -> int:
    """How many counts of strangers are stored in a period. After that, new strangers share one."""
    value = read("MAX_COUNTERS")
    return value if is_count(value) and value > 0 else MAX_COUNTERS


def counters_alias() -> str:
    """The name, in `CACHES`, of the cache that counts (`RATELIMIT_USE_CACHE`)."""
    return str(getattr(settings, "RATELIMIT_USE_CACHE", "default"))


def on_fault() -> OnFault:
    """What a rate does while the counters' cache is down; an unknown value denies."""
    value = read("ON_FAULT")
    if value is None or value == "local":
        return "local"
    return "allow" if value == "allow" else "deny"


def ratelimit_enabled() -> bool:
    """Whether django-ratelimit was left on (`RATELIMIT_ENABLE`)."""
    return getattr(settings, "RATELIMIT_ENABLE", True) is not False


def _is_timeout(value: object) -> TypeGuard[float]:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and 0 < value <= _LONGEST


def _are_networks(value: object) -> bool:
    networks = strings(value)
    try:
        return networks is not None and Proxies.parse(networks) is not None
    except ValueError:
        return False


def _is_ceiling(value: object) -> bool:
    if isinstance(value, Mapping):
        is_known = bool(value) and value.keys() <= set(CALLERS)
        return is_known and all(_ceiling(rates) for rates in value.values())
    return bool(_ceiling(value))


RULES: dict[str, Rule] = {
    "CEILING": (
        _is_ceiling,
        "must be a rate, a list of rates, or a mapping of these for user, client and address",
        '{"user": "5000/h", "client": "20000/h", "address": "500/h"}',
    ),
    "TRUSTED_PROXIES": (
        _are_networks,
        "must be a list of networks",
        '["10.0.0.0/8"], or [] if there is no proxy in front of the API',
    ),
    "PROXY_HEADER": (
        lambda value: value in ("X-Forwarded-For", "Forwarded"),
        "must be 'X-Forwarded-For' or 'Forwarded'",
        '"X-Forwarded-For"',
    ),
    "ON_FAULT": (
        lambda value: value in ("local", "deny", "allow"),
        "must be 'local', 'deny' or 'allow'",
        '"local"',
    ),
    "COUNTER_TIMEOUT": (
        _is_timeout,
        f"must be a number of seconds above 0 and at most {_LONGEST}",
        str(COUNTER_TIMEOUT),
    ),
    "MAX_COUNTERS": (
        lambda value: is_count(value) and value > 0,
        "must be a whole number above 0",
        str(MAX_COUNTERS),
    ),
}
