"""Reads the Authorization header of a bearer token."""

from __future__ import annotations

from typing import Any

from rest_framework.authentication import BaseAuthentication
from rest_framework.request import Request

from api_guard.authentication.challenges import resource_metadata
from api_guard.core.challenges import bearer_challenge
from api_guard.exceptions import InvalidToken


class BearerAuthentication(BaseAuthentication):
    """The base of all bearer token authenticators."""

    scheme = "bearer"

    def authenticate_header(self, request: Request) -> str:
        """Return the challenge for a request without a credential (RFC 6750 §3)."""
        return bearer_challenge(resource_metadata=resource_metadata(request))

    def bearer_token(self, request: Request) -> str | None:
        """Return the bearer token of the Authorization header, or None."""
        scheme, _, token = request.META.get("HTTP_AUTHORIZATION", "").partition(" ")
        return token.strip() if scheme.lower() == self.scheme else None

    def refusal(self, request: Request, because: str = "") -> InvalidToken:
        """Return the exception for an invalid token; only the log gets `because`."""
        refusal = InvalidToken(resource_metadata(request))
        refusal.because = because
        return refusal

    def token_scopes(self, auth: Any) -> frozenset[str]:
        """Return the scopes that the token carries."""
        return frozenset(auth.scope.split())

    def token_client(self, auth: Any) -> object:
        """Return the primary key of the client that the token was issued to."""
        return auth.application_id


def takes_access_tokens(cls: type) -> bool:
    """Whether an authenticator, ours or the toolkit's, accepts access tokens."""
    # DRF imports this module while it reads its settings.
    from oauth2_provider.contrib.rest_framework import OAuth2Authentication

    return issubclass(cls, (BearerAuthentication, OAuth2Authentication))
