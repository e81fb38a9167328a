"""Reads `settings.API_GUARD`. It does not cache, so that tests may change the settings."""

from api_guard.conf.access import (
    everyone_group,
    exempt,
    is_everyone_group,
    last_used_interval,
    max_grant_days,
    prefixes,
    takes_clientless_tokens,
    unscoped_authentication,
    without_reason,
)
from api_guard.conf.bundling import (
    Bundle,
    bundles,
    bundles_with,
    grantable,
    has_bundles,
    opened_by_bundle,
)
from api_guard.conf.credentials import failed_credentials
from api_guard.conf.hosts import own_host
from api_guard.conf.ledger import has_own_ledger_key, ledger_keys
from api_guard.conf.noticing import Notices, notices
from api_guard.conf.oauth import (
    Introspection,
    audience,
    client_secret_cache_seconds,
    introspection,
    introspection_cache_seconds,
    issues_tokens,
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
from api_guard.conf.requests import request_lifetime, request_rates
from api_guard.conf.rules import Mistake, mistakes
from api_guard.conf.scopes import scope_groups, scope_terms, scopes, sensitive_scopes
from api_guard.conf.validation import Engine, max_tags, sanitizer
from api_guard.conf.values import is_set

__all__ = [
    "CALLERS",
    "Bundle",
    "Engine",
    "Introspection",
    "Mistake",
    "Notices",
    "OnFault",
    "ProxyHeader",
    "audience",
    "bundles",
    "bundles_with",
    "ceiling",
    "client_secret_cache_seconds",
    "counter_timeout",
    "counters_alias",
    "everyone_group",
    "exempt",
    "failed_credentials",
    "fallback_classes",
    "flaw_of_report_only",
    "grantable",
    "has_bundles",
    "has_own_ledger_key",
    "introspection",
    "introspection_cache_seconds",
    "is_everyone_group",
    "is_set",
    "issues_tokens",
    "last_used_interval",
    "ledger_keys",
    "limits",
    "max_counters",
    "max_grant_days",
    "max_tags",
    "mistakes",
    "notices",
    "on_fault",
    "opened_by_bundle",
    "own_host",
    "prefixes",
    "proxy_header",
    "ratelimit_enabled",
    "report_only",
    "reports_from",
    "request_lifetime",
    "request_rates",
    "revoke_exposed_tokens",
    "sanitizer",
    "scope_groups",
    "scope_terms",
    "scopes",
    "sensitive_scopes",
    "takes_clientless_tokens",
    "trusted_proxies",
    "unscoped_authentication",
    "without_reason",
]
