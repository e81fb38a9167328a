"""Reports at start what is open, undeclared or wrongly set, and shows the fix."""

from api_guard.checks.authentication import check_authentication, check_plain_users
from api_guard.checks.credentials import (
    check_clientless_tokens,
    check_failed_credentials,
    check_login_limit,
)
from api_guard.checks.deploy import check_lifetimes, check_proxies, check_transport
from api_guard.checks.endpoints import (
    check_endpoints,
    check_exemptions,
    check_scopes,
    check_silence,
    check_unknown,
)
from api_guard.checks.fields import check_engine, check_frames, check_serializers
from api_guard.checks.granting import (
    check_bundles,
    check_everyone_group,
    check_permissions_of_users,
)
from api_guard.checks.ledger import check_ledger_database, check_ledger_key
from api_guard.checks.listed import check_lists
from api_guard.checks.middleware import check_middleware
from api_guard.checks.oauth2 import (
    check_introspection,
    check_introspection_transport,
    check_toolkit,
    check_without_oauth2,
)
from api_guard.checks.objects import check_detail_routes, check_owners, check_subjects
from api_guard.checks.pages import check_pages
from api_guard.checks.parsing import (
    check_bounded_parsers,
    check_filters,
    check_limits,
    check_servers,
)
from api_guard.checks.permissions import check_permission_classes
from api_guard.checks.plain_views import check_decorators
from api_guard.checks.rates import check_budgets, check_counters, check_sliding, check_timeouts
from api_guard.checks.reporting import check_report_only, check_reporting
from api_guard.checks.settings import (
    check_apps,
    check_default_permission,
    check_exception_handler,
    check_settings,
)
from api_guard.checks.timeouts import check_databases
from api_guard.checks.validation import check_parsers, check_renderers, check_sanitizer
from api_guard.checks.views import check_overrides

CHECKS = (
    check_apps,
    check_settings,
    check_report_only,
    check_middleware,
    check_lists,
    check_default_permission,
    check_authentication,
    check_plain_users,
    check_toolkit,
    check_without_oauth2,
    check_introspection,
    check_decorators,
    check_endpoints,
    check_unknown,
    check_exemptions,
    check_scopes,
    check_silence,
    check_overrides,
    check_permission_classes,
    check_owners,
    check_subjects,
    check_detail_routes,
    check_counters,
    check_budgets,
    check_sliding,
    check_timeouts,
    check_login_limit,
    check_failed_credentials,
    check_clientless_tokens,
    check_exception_handler,
    check_parsers,
    check_renderers,
    check_sanitizer,
    check_engine,
    check_frames,
    check_serializers,
    check_bounded_parsers,
    check_pages,
    check_filters,
    check_limits,
    check_ledger_database,
)
DEPLOY_CHECKS = (
    check_transport,
    check_reporting,
    check_lifetimes,
    check_introspection_transport,
    check_proxies,
    check_servers,
    check_databases,
    check_ledger_key,
)
# For `manage.py check --database default`, and before each migrate.
DATABASE_CHECKS = (check_permissions_of_users, check_everyone_group, check_bundles)

__all__ = ["CHECKS", "DATABASE_CHECKS", "DEPLOY_CHECKS"]
