"""django-oauth-toolkit's views, fixed where they return or accept too much."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import ObjectDoesNotExist, ValidationError
from django.db import router, transaction
from django.http import Http404, HttpRequest, HttpResponseBase, JsonResponse
from oauth2_provider import views
from oauth2_provider.models import (
    get_access_token_model,
    get_application_model,
    get_device_grant_model,
)
from oauth2_provider.settings import oauth2_settings
from oauthlib.oauth2.rfc6749.errors import (
    InvalidRequestError,
    InvalidScopeError,
)

from api_guard import tokens
from api_guard.oauth2.narrowing import live_scopes
from api_guard.oauth2.toolkit import InvalidOIDCClientError


class AuthorizedTokenDeleteView(views.AuthorizedTokenDeleteView):  # type: ignore[misc]
    """Let a user revoke its own token."""

    def get_object(self, queryset: Any = None) -> Any:
        """Return the token. An invalid key is 404."""
        try:
            return super().get_object(queryset)
        except (ValueError, ValidationError):
            raise Http404 from None


class RPInitiatedLogoutView(views.RPInitiatedLogoutView):  # type: ignore[misc]
    """Sign a user out for a client."""

    def get_request_application(self, id_token: Any, client_id: str | None) -> Any:
        """Return the client. Raises InvalidOIDCClientError for an unknown client."""
        try:
            return super().get_request_application(id_token, client_id)
        except ObjectDoesNotExist:
            raise InvalidOIDCClientError from None

    def do_logout(
        self,
        application: Any = None,
        post_logout_redirect_uri: str | None = None,
        state: str | None = None,
        token_user: Any = None,
    ) -> HttpResponseBase:
        """End the session of the signed-in user. Without a session, revoke the client's tokens.

        An ID token is sent in URLs. A person who has seen one must not be able to revoke the user's
        tokens of all other clients.
        """
        asks = self.request.user
        if token_user is not None and token_user != asks:
            if not asks.is_authenticated and oauth2_settings.OIDC_RP_INITIATED_LOGOUT_DELETE_TOKENS:
                tokens.revoke_tokens(token_user, client=application, reason="the client logged out")
            token_user = None
        response: HttpResponseBase = super().do_logout(
            application, post_logout_redirect_uri, state, token_user
        )
        return response


class DeviceAuthorizationView(views.DeviceAuthorizationView):  # type: ignore[misc]
    """Start the device flow, with every version of oauthlib."""

    def create_device_authorization_response(
        self, request: HttpRequest
    ) -> tuple[dict[str, str], Any, int]:
        """Refuse scopes that the client does not hold: oauthlib 3.3 does not check them.

        Remove `scope` from the response: oauthlib 4.0 adds it, and the toolkit fails with it.
        """
        if request.GET or not request.POST.get("client_id"):
            return {}, InvalidRequestError("Missing client_id parameter.").json, 400
        # oauthlib 3.3 refuses a content type with parameters, such as `charset`.
        request.META["CONTENT_TYPE"] = request.content_type
        headers, body, status = super().create_device_authorization_response(request)
        if status != 200:
            return headers, body, status
        asked = set(request.POST.get("scope", "").split())
        clients = get_application_model()._default_manager
        client = clients.get(client_id=request.POST["client_id"])
        if not asked <= set(oauth2_settings.SCOPES_BACKEND_CLASS().get_available_scopes(client)):
            return headers, InvalidScopeError().json, 400
        return headers, {name: body[name] for name in body if name != "scope"}, status


class DeviceConfirmView(views.DeviceConfirmView):  # type: ignore[misc]
    """Show only the scopes that the device would get."""

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """Narrow the scopes that the page shows."""
        context: dict[str, Any] = super().get_context_data(**kwargs)
        described = dict(zip(context["scopes"], context["scopes_descriptions"], strict=True))
        live = live_scopes(described, self.request.user, context["application"])
        return {
            **context,
            "scopes": live,
            "scopes_descriptions": [described[name] for name in live],
        }


class TokenView(views.TokenView):  # type: ignore[misc]
    """Return errors in the format of RFC 6749 §5.2."""

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Issue a token, or return an error.

        If the database fails, the code or refresh token stays valid.
        """
        with transaction.atomic(using=router.db_for_write(get_access_token_model())):
            return self._issue(request, *args, **kwargs)

    def _issue(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if request.POST.get("grant_type", "").endswith(":device_code"):
            code = request.POST.get("device_code")
            if not code:
                return JsonResponse({"error": "invalid_request"}, status=400)
            if not get_device_grant_model().objects.filter(device_code=code).exists():
                return JsonResponse({"error": "invalid_grant"}, status=400)
        response: HttpResponseBase = super().post(request, *args, **kwargs)
        return response
