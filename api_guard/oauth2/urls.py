"""django-oauth-toolkit's endpoints, without those where any user can register a client."""

from typing import Any

from django.urls import URLPattern
from oauth2_provider.urls import (
    base_urlpatterns,
    management_urlpatterns,
    oidc_urlpatterns,
)

from api_guard.oauth2 import views
from api_guard.oauth2.authorizing import AuthorizationView
from api_guard.oauth2.challenging import challenge_callers, challenge_clients
from api_guard.oauth2.deciding import as_deciding
from api_guard.oauth2.headers import as_endpoint, as_page
from api_guard.oauth2.introspection import IntrospectTokenView
from api_guard.oauth2.limits import limit_secrets, limit_user_codes
from api_guard.oauth2.metadata import ConnectDiscoveryInfoView, oauth_urlpatterns

app_name = "oauth2_provider"

_OURS: dict[str, Any] = {
    "authorize": AuthorizationView,
    "token": views.TokenView,
    "introspect": IntrospectTokenView,
    "device-authorization": views.DeviceAuthorizationView,
    "device-confirm": views.DeviceConfirmView,
    "rp-initiated-logout": views.RPInitiatedLogoutView,
    "authorized-token-delete": views.AuthorizedTokenDeleteView,
}
_PAGES = {"authorize", "device", "device-confirm", "device-grant-status", "rp-initiated-logout"}
# Endpoints that receive client secrets, codes or tokens, which somebody may guess.
_LIMITED = {
    "token": limit_secrets,
    "introspect": limit_secrets,
    "revoke-token": limit_secrets,
    "device-authorization": limit_secrets,
    "device": limit_user_codes,
}
_AUTHENTICATING = {name for name, limit in _LIMITED.items() if limit is limit_secrets}
# These responses are public and may be cached.
_PUBLIC: dict[str, Any] = {
    "oidc-connect-discovery-info": ConnectDiscoveryInfoView.as_view(),
    "jwks-info": None,
}


def _harden(pattern: URLPattern) -> URLPattern:
    name = pattern.name or ""
    if name in _PUBLIC:
        callback = _PUBLIC[name] or pattern.callback
        return URLPattern(pattern.pattern, callback, pattern.default_args, pattern.name)
    view = _OURS[name].as_view() if name in _OURS else pattern.callback
    view = _LIMITED[name](view) if name in _LIMITED else view
    if name in _AUTHENTICATING:
        view = challenge_clients(view, takes_tokens=name == "introspect")
    if name == "user-info":
        view = challenge_callers(view)
    view = as_deciding(view)
    is_page = name in _PAGES or name.startswith("authorized-token")
    answer = as_page(view) if is_page else as_endpoint(view)
    return URLPattern(pattern.pattern, answer, pattern.default_args, pattern.name)


urlpatterns = [
    *oauth_urlpatterns,
    *map(_harden, base_urlpatterns),
    *map(_harden, oidc_urlpatterns),
    # A user may see and revoke its own consents.
    *(_harden(p) for p in management_urlpatterns if p.name.startswith("authorized-token")),
]
