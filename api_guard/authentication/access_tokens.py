"""Bearer tokens that the authorization server of this site has issued."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.models import AnonymousUser
from rest_framework.request import Request

from api_guard import tokens
from api_guard.access import holdings
from api_guard.authentication.bearer import BearerAuthentication


class OAuth2Authentication(BearerAuthentication):
    """Authenticate `Authorization: Bearer` with the access tokens of this site.

    `request.auth` is the access token. `request.user` is its user, or an AnonymousUser if a client
    acts on its own behalf. An invalid bearer token is refused with 401, even if the request has
    another credential (RFC 6750 §3.1).
    """

    def authenticate(self, request: Request) -> tuple[Any, Any] | None:
        """Return the user and the access token, or None without a bearer token.

        Raises InvalidToken.
        """
        token = self.bearer_token(request)
        if token is None:
            return None
        access_token = holdings.find_token(request, token)
        if access_token is None:
            raise self.refusal(request, "unknown_token")
        # Most tokens are for any resource. Then the URL is not needed.
        uri = request.build_absolute_uri(request.path) if access_token.resource else ""
        why = tokens.why_bad(access_token, request, uri=uri, path=request.path)
        if why:
            raise self.refusal(request, why)
        return access_token.user or AnonymousUser(), access_token
