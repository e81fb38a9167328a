"""The one reader of `settings.API_GUARD`; it reads afresh, so that tests may change it."""

from api_guard.conf.access import (
    everyone_group,
    exempt,
    is_everyone_group,
    last_used_interval,
    prefixes,
    takes_clientless_tokens,
    unscoped_authentication,
)
from api_guard.conf.credentials import failed_credentials
from api_guard.conf.ledger import has_own_ledger_key, ledger_keys
from api_guard.conf.oauth import (
    Introspection,
    audience,
    client_secret_cache_seconds,
    introspection,
    introspection_cache_seconds,
    revoke_exposed_tokens,
)
from api_guard.conf.parsing import limits
from api_guard.conf.rates import (
    CALLERS,
    OnFault,
    ProxyHeader,
    ceiling,
    counter_timeout,
    counters_alias,
    max_counters,
    on_fault,
    proxy_header,
    ratelimit_enabled,
    trusted_proxies,
)
from api_guard.conf.reporting import (
    fallback_classes,
    flaw_of_report_only,
    report_only,
    reports_from,
)
from api_guard.conf.rules import Mistake, mistakes
from api_guard.conf.scopes import scope_groups, scope_terms, scopes, sensitive_scopes
from api_guard.conf.validation import Engine, max_tags, sanitizer
from api_guard.conf.values import is_set

__all__ = [
    "CALLERS",
    "Engine",
    "Introspection",
    "Mistake",
    "OnFault",
    "ProxyHeader",
    "audience",
    "ceiling",
    "client_secret_cache_seconds",
    "counter_timeout",
    "counters_alias",
    "everyone_group",
    "exempt",
    "failed_credentials",
    "fallback_classes",
    "flaw_of_report_only",
    "has_own_ledger_key",
    "introspection",
    "introspection_cache_seconds",
    "is_everyone_group",
    "is_set",
    "last_used_interval",
    "ledger_keys",
    "limits",
    "max_counters",
    "max_tags",
    "mistakes",
    "on_fault",
    "prefixes",
    "proxy_header",
    "ratelimit_enabled",
    "report_only",
    "reports_from",
    "revoke_exposed_tokens",
    "sanitizer",
    "scope_groups",
    "scope_terms",
    "scopes",
    "sensitive_scopes",
    "takes_clientless_tokens",
    "trusted_proxies",
    "unscoped_authentication",
]
