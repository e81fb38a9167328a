"""The use of a token at django-oauth-toolkit's views and decorators."""

from __future__ import annotations

import logging
from typing import Any
from urllib.parse import urlsplit

from api_guard import tokens
from api_guard.oauth2.deciding import deciding
from api_guard.oauth2.narrowing import live_scopes

logger = logging.getLogger("api_guard.oauth2")


class UseMixin:
    """Accept a token only in the Authorization header, and only for scopes that are granted now."""

    def validate_bearer_token(self, token: str, scopes: Any, request: Any) -> bool:
        """Refuse tokens that `OAuth2Authentication` would refuse, and scopes without a grant."""
        validator: Any = super()
        if not token:
            return False  # RFC 6750 §3: without a token, the challenge contains no error
        scheme, _, presented = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() != "bearer" or presented.strip() != token:
            return _refuse(request, "invalid_token", "Send the access token in the header")
        with deciding():
            is_known = validator.validate_bearer_token(token, scopes, request)
        if is_known is not True:
            return False
        path = urlsplit(request.uri or "").path
        if not tokens.is_good(request.access_token, request, uri=request.uri, path=path):
            return _refuse(request, "invalid_token", "The access token is invalid")
        live = live_scopes(request.access_token.scope.split(), request.user, request.client)
        if not set(scopes or ()) <= set(live):
            return _refuse(request, "insufficient_scope", "The scope is not granted")
        request.scopes = live
        return True

    def validate_jwt_bearer_token(self, token: str, scopes: Any, request: Any) -> bool:
        """Check a JWT like any bearer token, because an ID token is not an access token."""
        return self.validate_bearer_token(token, scopes, request)

    def _get_token_from_authentication_server(self, *args: Any, **kwargs: Any) -> None:
        """Do not introspect: the toolkit would match the user only by its name."""
        del args, kwargs
        logger.error(
            "OAUTH2_PROVIDER['RESOURCE_SERVER_INTROSPECTION_URL'] is ignored. Use "
            "api_guard.authentication.IntrospectionAuthentication instead."
        )


def _refuse(request: Any, error: str, description: str) -> bool:
    request.oauth2_error = {"error": error, "error_description": description}
    return False
