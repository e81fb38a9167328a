"""The settings of django-oauth-toolkit's tests, with api_guard's classes, urls and settings.

`TOOLKIT_WITH` names what is added: `guard`, `urls` and `deployed`.
"""

import os

from oauth2_provider import settings as toolkit

from tests.settings import *  # noqa: F403  # all of them

ADDED = set(os.environ["TOOLKIT_WITH"].split())
MIGRATION_MODULES = {"tests": None}
VIEWS = [
    "MockView",
    "OAuth2View",
    "ScopedView",
    "AuthenticatedOrScopedView",
    "ReadWriteScopedView",
    "ResourceScopedView",
    "MethodScopeAltView",
    "MethodScopeAltViewBad",
    "BrokenOAuth2View",
    "TokenHasScopeViewWrongAuth",
    "MethodScopeAltViewWrongAuth",
    "AuthenticationNoneOAuth2View",
    "OAuth2ProtectedResourceView",
    "OAuth2ProtectedResourceCustomUrlView",
]
OTHERS = ["introspection", "dolphin", "scope1", "scope2", "scope3", "resource1"]

if "guard" in ADDED:
    INSTALLED_APPS = (*INSTALLED_APPS, "api_guard", "rest_framework")  # noqa: F405
    API_GUARD = {
        "SCOPES": {"read": "Reading scope", "write": "Writing scope", **{n: n for n in OTHERS}},
        "EXEMPT": {f"tests.test_rest_framework.{name}": "a view of the tests" for name in VIEWS},
    }
    # Each test has settings of its own, so only what it does not say can be replaced.
    toolkit.DEFAULTS |= {
        "SCOPES_BACKEND_CLASS": "api_guard.oauth2.GrantedScopes",
        "OAUTH2_VALIDATOR_CLASS": "api_guard.oauth2.GuardedValidator",
    }
if "deployed" in ADDED:
    from deployment import DEPLOYED

    toolkit.DEFAULTS |= DEPLOYED
if "urls" in ADDED:
    ROOT_URLCONF = "with_our_urls"
