"""The one reader of `settings.API_GUARD`; it reads afresh, so that tests may change it."""

from api_guard.conf.access import (
    everyone_group,
    exempt,
    last_used_interval,
    prefixes,
    scopes,
    unscoped_authentication,
)
from api_guard.conf.oauth import (
    Introspection,
    audience,
    introspection,
    introspection_cache_seconds,
    revoke_exposed_tokens,
)
from api_guard.conf.parsing import limits
from api_guard.conf.rates import OnFault, on_fault, ratelimit_enabled, trusted_proxies
from api_guard.conf.rules import Mistake, mistakes
from api_guard.conf.validation import Engine, sanitizer
from api_guard.conf.values import is_set

__all__ = [
    "Engine",
    "Introspection",
    "Mistake",
    "OnFault",
    "audience",
    "everyone_group",
    "exempt",
    "introspection",
    "introspection_cache_seconds",
    "is_set",
    "last_used_interval",
    "limits",
    "mistakes",
    "on_fault",
    "prefixes",
    "ratelimit_enabled",
    "revoke_exposed_tokens",
    "sanitizer",
    "scopes",
    "trusted_proxies",
    "unscoped_authentication",
]
