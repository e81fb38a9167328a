"""The consent page: it shows the client, the scopes and the destination, and asks the user."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import resolve_url
from oauth2_provider import views
from oauth2_provider.models import get_application_model
from oauth2_provider.settings import oauth2_settings
from oauthlib.oauth2.rfc6749.errors import (
    InvalidClientIdError,
    InvalidRequestFatalError,
    InvalidScopeError,
    MismatchingRedirectURIError,
    OAuth2Error,
)
from oauthlib.openid.connect.core.exceptions import ConsentRequired, LoginRequired

from api_guard.core.redirects import with_issuer
from api_guard.oauth2 import parameters
from api_guard.oauth2.narrowing import live_scopes
from api_guard.oauth2.redirects import may_redirect_to
from api_guard.oauth2.subjects import is_another
from api_guard.oauth2.toolkit import FatalClientError, OAuthToolkitError

# The user cannot untick this scope: without it, the client cannot sign the user in.
_ALWAYS = "openid"
# Our page sends this value with its button. A form without boxes allows all scopes.
_TICKED = "ticked"
_BOX = "scope:"


class AuthorizationView(views.AuthorizationView):  # type: ignore[misc]  # ships no types
    """Ask the user for consent, only to scopes that both the client and the user hold."""

    template_name = "api_guard/oauth2/authorize.html"

    def validate_authorization_request(self, request: HttpRequest) -> tuple[list[str], Any]:
        """Return the scopes for consent. Raises OAuthToolkitError if no scope is left."""
        scopes, credentials = super().validate_authorization_request(request)
        asked = credentials["request"]
        try:
            parameters.refuse_unsupported(asked)
            # The toolkit's view reads its next step from the query.
            request.GET = parameters.decided(request, asked)  # type: ignore[assignment]
        except OAuth2Error as error:
            raise OAuthToolkitError(error=error) from None
        if not request.user.is_authenticated:
            return scopes, credentials  # validated again after the sign-in
        if "login" not in request.GET.get("prompt", "") and is_another(asked, request.user):
            raise OAuthToolkitError(error=LoginRequired(request=asked))
        scopes = live_scopes(scopes, request.user, asked.client)
        if not scopes:
            raise OAuthToolkitError(error=InvalidScopeError(request=asked))
        self.asked = asked
        return scopes, credentials

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Show the page, or redirect with an error if the client asks for no page."""
        response: HttpResponseBase = super().get(request, *args, **kwargs)
        is_page = response.status_code == 200
        if is_page and "none" in parameters.prompts(self.asked):
            error = OAuthToolkitError(error=ConsentRequired(request=self.asked))
            response = self.error_response(error, self.asked.client)
        return response

    def handle_prompt_login(self) -> HttpResponseBase:
        """Redirect the user to the sign-in, and then back to this page."""
        login_url = resolve_url(self.get_login_url())
        # A login page of another site needs the full URL.
        is_elsewhere = bool(urlsplit(login_url).netloc)
        here = self.request.build_absolute_uri() if is_elsewhere else self.request.get_full_path()
        back = parameters.without_sign_in(here)
        return redirect_to_login(back, login_url, self.get_redirect_field_name())

    def handle_no_permission(self) -> HttpResponseBase:
        """Redirect a user who is not signed in to the sign-in, once."""
        if {"none", "create"} & set(self.request.GET.get("prompt", "").split()):
            response: HttpResponseBase = super().handle_no_permission()
            return response
        return self.handle_prompt_login()

    def redirect(self, redirect_to: str, application: Any) -> HttpResponseBase:
        """Redirect to the client. Also an error contains the issuer (RFC 9207 §2)."""
        if oauth2_settings.COMPLIANT_BCP_RFC9700_AUTHZ_RESPONSE_ISS is True:
            issuer = oauth2_settings.oauth2_authorization_server_issuer(self.request)
            redirect_to = with_issuer(redirect_to, issuer)
        response: HttpResponseBase = super().redirect(redirect_to, application)
        return response

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """Return the context of the page: the scopes with descriptions, and the destination."""
        context: dict[str, Any] = super().get_context_data(**kwargs)
        described = zip(
            context.get("scopes", ()), context.get("scopes_descriptions", ()), strict=True
        )
        to = urlsplit(context.get("redirect_uri") or "")
        return {
            **context,
            "user": self.request.user,
            "permissions": [(name, text, name == _ALWAYS) for name, text in described],
            "destination": to.netloc or to.scheme,
        }

    def form_valid(self, form: Any) -> HttpResponseBase:
        """Check the values of the form again, and redirect only to a registered URI."""
        given = form.cleaned_data
        clients = get_application_model()._default_manager
        client = clients.filter(client_id=given["client_id"]).first()
        if client is None or not client.is_usable(self.request):
            return self._refuse(InvalidClientIdError())
        uri = given["redirect_uri"]
        if not client.redirect_uri_allowed(uri) or not may_redirect_to(uri):
            return self._refuse(MismatchingRedirectURIError())
        if parameters.is_too_old(self.request, self.request.GET.get("max_age")):
            return self.handle_prompt_login()  # the page was open too long
        given["scope"] = self._ticked(given["scope"].split())
        # A user who allows no scope declines.
        given["allow"] = given["allow"] and bool(given["scope"])
        response: HttpResponseBase = super().form_valid(form)
        return response

    def form_invalid(self, form: Any) -> HttpResponseBase:
        """Refuse a form that this page did not make."""
        del form
        return self._refuse(InvalidRequestFatalError())

    def _ticked(self, scopes: list[str]) -> str:
        posted = self.request.POST
        ticked = [name for name in scopes if f"{_BOX}{name}" in posted]
        if ticked or posted.get("allow") == _TICKED:
            scopes = [name for name in scopes if name in ticked or name == _ALWAYS]
        return " ".join(scopes)

    def _refuse(self, error: OAuth2Error) -> HttpResponseBase:
        refused: HttpResponseBase = self.error_response(FatalClientError(error=error), None)
        return refused
