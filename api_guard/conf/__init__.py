"""The one reader of `settings.API_GUARD`; it reads afresh, so that tests may change it."""

from api_guard.conf.access import (
    everyone_group,
    exempt,
    last_used_interval,
    prefixes,
    scopes,
    unscoped_authentication,
)
from api_guard.conf.rates import OnFault, on_fault, ratelimit_enabled, trusted_proxies
from api_guard.conf.rules import Mistake, mistakes
from api_guard.conf.validation import Engine, sanitizer
from api_guard.conf.values import is_set

__all__ = [
    "Engine",
    "Mistake",
    "OnFault",
    "everyone_group",
    "exempt",
    "is_set",
    "last_used_interval",
    "mistakes",
    "on_fault",
    "prefixes",
    "ratelimit_enabled",
    "sanitizer",
    "scopes",
    "trusted_proxies",
    "unscoped_authentication",
]
