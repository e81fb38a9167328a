"""The introspection endpoint: returns the current scopes of a token (RFC 7662)."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponseBase, JsonResponse
from django.utils import timezone
from django.utils.decorators import method_decorator
from django.views.decorators.csrf import csrf_exempt
from oauth2_provider import views
from oauth2_provider.settings import oauth2_settings
from oauthlib.common import Request as OAuthRequest

from api_guard import grants, tokens
from api_guard.core.challenges import bearer_challenge
from api_guard.oauth2.narrowing import live_scopes

INTROSPECTION = "introspection"


@method_decorator((csrf_exempt, login_not_required), name="dispatch")
class IntrospectTokenView(views.IntrospectTokenView):  # type: ignore[misc]
    """Tell a resource server the current scopes of a token (RFC 7662).

    Only POST is allowed, because a token must not be in a URL. The caller must be a confidential
    client with a grant of the scope `introspection`, and use its secret or a token with this scope.
    """

    http_method_names = ["post"]

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Refuse callers without permission, and answer the others."""
        del args, kwargs
        if request.method != "POST":
            return self.http_method_not_allowed(request)  # type: ignore[no-any-return]
        return self._refuse_caller(request) or self.post(request)

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> JsonResponse:
        """Return the granted scopes and the data of a valid token, else only `active: false`."""
        del args, kwargs
        token = request.POST.get("token")
        if not token:
            return JsonResponse({"error": "invalid_request"}, status=400)
        found = tokens.find(token)
        if found is None or not tokens.is_alive(found, request):
            return JsonResponse({"active": False})
        return JsonResponse(_describe(found, request))

    def _refuse_caller(self, request: HttpRequest) -> HttpResponseBase | None:
        scheme = request.META.get("HTTP_AUTHORIZATION", "").partition(" ")[0].lower()
        return self._refuse_token(request) if scheme == "bearer" else self._refuse_client(request)

    def _refuse_token(self, request: HttpRequest) -> HttpResponseBase | None:
        is_valid, asked = self.verify_request(request)
        if is_valid and _is_confidential(asked.client):
            return None
        known = getattr(asked, "oauth2_error", None) or {}
        error = "insufficient_scope" if is_valid else known.get("error", "invalid_token")
        response = JsonResponse({"error": error}, status=401 if error == "invalid_token" else 403)
        response.headers["WWW-Authenticate"] = bearer_challenge(error=error, scopes=[INTROSPECTION])
        return response

    def _refuse_client(self, request: HttpRequest) -> HttpResponseBase | None:
        core = self.get_oauthlib_core()
        asked = OAuthRequest(*core._extract_params(request))
        is_known = core.server.request_validator.authenticate_client(asked)
        if not is_known or not _is_confidential(asked.client):
            return JsonResponse({"error": "invalid_client"}, status=401)
        if INTROSPECTION not in grants.scopes_of_client(asked.client.pk):
            return JsonResponse({"error": "insufficient_scope", "scope": INTROSPECTION}, status=403)
        return None


def _is_confidential(client: Any) -> bool:
    return client is not None and client.client_type == client.CLIENT_CONFIDENTIAL


def _describe(found: Any, request: HttpRequest) -> dict[str, Any]:
    user, client = found.user, found.application
    told = {
        "active": True,
        "scope": " ".join(live_scopes(found.scope.split(), user, client)),
        "token_type": "Bearer",
        "exp": int(_aware(found.expires).timestamp()),
        "iat": int(_aware(found.created).timestamp()),
        "iss": oauth2_settings.oauth2_authorization_server_issuer(request),
        "client_id": None if client is None else client.client_id,
        "sub": None if user is None else str(user.pk),
        "username": None if user is None else user.get_username(),
        "aud": found.resource or None,
        "cnf": getattr(found, "cnf", None) or None,
    }
    return {name: value for name, value in told.items() if value is not None}


def _aware(moment: datetime) -> datetime:
    return timezone.make_aware(moment) if timezone.is_naive(moment) else moment
