"""django-oauth-toolkit's views, where they say or take more than they should."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.contrib.auth.decorators import login_not_required
from django.core.exceptions import ObjectDoesNotExist, ValidationError
from django.http import Http404, HttpRequest, HttpResponseBase, JsonResponse
from django.utils import timezone
from django.utils.decorators import method_decorator
from django.views.decorators.csrf import csrf_exempt
from oauth2_provider import views
from oauth2_provider.models import get_application_model, get_device_grant_model
from oauth2_provider.settings import oauth2_settings
from oauthlib.common import Request as OAuthRequest
from oauthlib.oauth2.rfc6749.errors import (
    InvalidClientIdError,
    InvalidScopeError,
    MismatchingRedirectURIError,
    OAuth2Error,
)

from api_guard import grants, tokens
from api_guard.core.challenges import bearer_challenge
from api_guard.oauth2.narrowing import live_scopes
from api_guard.oauth2.toolkit import FatalClientError, InvalidOIDCClientError, OAuthToolkitError

INTROSPECTION = "introspection"


class AuthorizationView(views.AuthorizationView):  # type: ignore[misc]  # ships no types
    """Ask the user's consent to what the client and the user may have, and to nothing else."""

    def validate_authorization_request(self, request: HttpRequest) -> tuple[list[str], Any]:
        """Return the scopes to consent to. Raises OAuthToolkitError where none is left."""
        scopes, credentials = super().validate_authorization_request(request)
        if not request.user.is_authenticated:
            return scopes, credentials  # it is validated once more after the sign-in
        asked = credentials["request"]
        scopes = live_scopes(scopes, request.user, asked.client)
        if not scopes:
            raise OAuthToolkitError(error=InvalidScopeError(request=asked))
        return scopes, credentials

    def form_valid(self, form: Any) -> HttpResponseBase:
        """Send a browser only to where the client is registered; what a form says is hearsay."""
        given = form.cleaned_data
        clients = get_application_model()._default_manager
        client = clients.filter(client_id=given["client_id"]).first()
        if client is None or not client.is_usable(self.request):
            return self._refuse(InvalidClientIdError())
        if given["redirect_uri"] and not client.redirect_uri_allowed(given["redirect_uri"]):
            return self._refuse(MismatchingRedirectURIError())
        response: HttpResponseBase = super().form_valid(form)
        return response

    def _refuse(self, error: OAuth2Error) -> HttpResponseBase:
        refused: HttpResponseBase = self.error_response(FatalClientError(error=error), None)
        return refused


class AuthorizedTokenDeleteView(views.AuthorizedTokenDeleteView):  # type: ignore[misc]
    """Let a user revoke a token of its own."""

    def get_object(self, queryset: Any = None) -> Any:
        """Return the token; a key that can be none is not found."""
        try:
            return super().get_object(queryset)
        except (ValueError, ValidationError):
            raise Http404 from None


class RPInitiatedLogoutView(views.RPInitiatedLogoutView):  # type: ignore[misc]
    """Sign a user out for a client."""

    def get_request_application(self, id_token: Any, client_id: str | None) -> Any:
        """Return the client. Raises InvalidOIDCClientError for one that is not known."""
        try:
            return super().get_request_application(id_token, client_id)
        except ObjectDoesNotExist:
            raise InvalidOIDCClientError from None


class DeviceAuthorizationView(views.DeviceAuthorizationView):  # type: ignore[misc]
    """Start the device flow, whichever version of oauthlib answers."""

    def create_device_authorization_response(
        self, request: HttpRequest
    ) -> tuple[dict[str, str], Any, int]:
        """Refuse scopes that are not the client's, which oauthlib 3.3 does not; leave out the
        scope, which oauthlib 4.0 tells and the toolkit takes for a mistake.
        """
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
    """Show, of what a device asks for, what it would get."""

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
    """Answer what comes to nothing as RFC 6749 §5.2 says."""

    def create_token_response(self, request: HttpRequest) -> tuple[Any, dict[str, str], str, int]:
        """Say that an error is JSON, which oauthlib does not where it comes as it saves."""
        url, headers, body, status = super().create_token_response(request)
        return url, {"Content-Type": "application/json", **headers}, body, status

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Issue a token, or say why not."""
        if request.POST.get("grant_type", "").endswith(":device_code"):
            code = request.POST.get("device_code")
            if not code:
                return JsonResponse({"error": "invalid_request"}, status=400)
            if not get_device_grant_model().objects.filter(device_code=code).exists():
                return JsonResponse({"error": "invalid_grant"}, status=400)
        response: HttpResponseBase = super().post(request, *args, **kwargs)
        return response


@method_decorator((csrf_exempt, login_not_required), name="dispatch")
class IntrospectTokenView(views.IntrospectTokenView):  # type: ignore[misc]
    """Tell a resource server what a token opens now (RFC 7662).

    Only by POST, because a token does not belong in an address; and only to a confidential client
    that was granted the scope `introspection`, by its secret or by a token that carries it.
    """

    http_method_names = ["post"]

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Refuse who may not ask, and answer the others."""
        del args, kwargs
        if request.method != "POST":
            return self.http_method_not_allowed(request)  # type: ignore[no-any-return]
        return self._refuse_caller(request) or self.post(request)

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> JsonResponse:
        """Say what the token carries and is granted; of one that is not good, no more than that."""
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
            response = JsonResponse({"error": "invalid_client"}, status=401)
            response.headers["WWW-Authenticate"] = 'Basic realm="api"'
            return response
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
