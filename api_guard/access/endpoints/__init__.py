"""Walks the URLconf and returns Endpoints: what is reachable, and what it requires."""

from api_guard.access.endpoints.collapsing import collapsed
from api_guard.access.endpoints.composed import declares_scopes, is_and, sides_of
from api_guard.access.endpoints.hooks import HOOKS, is_hook, is_own_of, is_whole
from api_guard.access.endpoints.listed import (
    LISTS,
    classes_of,
    default_classes,
    default_of,
    is_list,
    listed_of,
    permissions_of,
)
from api_guard.access.endpoints.listing import FORMATS, Row, listing
from api_guard.access.endpoints.operations import operation_of
from api_guard.access.endpoints.rates import counted_as, rates_in_use
from api_guard.access.endpoints.rulers import models_everywhere, policies_over, rulers_of
from api_guard.access.endpoints.signing_in import has_handed_out_a_token
from api_guard.access.endpoints.statuses import (
    Status,
    gate_status_of,
    is_exempt_callback,
    status_of,
)
from api_guard.access.endpoints.subjects import model_of
from api_guard.access.endpoints.unheld import Unheld, uses_of_unheld
from api_guard.access.endpoints.views import (
    POLICY_ATTRIBUTE,
    attribute_of,
    dotted_path,
    endpoint_of,
    exemptions_of,
    function_of,
    initkwarg,
    is_exempt,
    plain_view,
    policy_of,
    view_class_of,
    view_classes_of,
)
from api_guard.access.endpoints.walk import (
    ANY_METHOD,
    Endpoint,
    Route,
    callbacks,
    current_urlconf,
    endpoints,
    operations,
    routes,
)

__all__ = [
    "ANY_METHOD",
    "FORMATS",
    "HOOKS",
    "LISTS",
    "POLICY_ATTRIBUTE",
    "Endpoint",
    "Route",
    "Row",
    "Status",
    "Unheld",
    "attribute_of",
    "callbacks",
    "classes_of",
    "collapsed",
    "counted_as",
    "current_urlconf",
    "declares_scopes",
    "default_classes",
    "default_of",
    "dotted_path",
    "endpoint_of",
    "endpoints",
    "exemptions_of",
    "function_of",
    "gate_status_of",
    "has_handed_out_a_token",
    "initkwarg",
    "is_and",
    "is_exempt",
    "is_exempt_callback",
    "is_hook",
    "is_list",
    "is_own_of",
    "is_whole",
    "listed_of",
    "listing",
    "model_of",
    "models_everywhere",
    "operation_of",
    "operations",
    "permissions_of",
    "plain_view",
    "policies_over",
    "policy_of",
    "rates_in_use",
    "routes",
    "rulers_of",
    "sides_of",
    "status_of",
    "uses_of_unheld",
    "view_class_of",
    "view_classes_of",
]
