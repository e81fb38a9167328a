"""Bearer tokens that this site's own authorization server has issued."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.models import AnonymousUser
from rest_framework.request import Request

from api_guard import tokens
from api_guard.access import holdings
from api_guard.authentication.bearer import BearerAuthentication


class OAuth2Authentication(BearerAuthentication):
    """Authenticate `Authorization: Bearer`, and nothing else, against the access tokens.

    `request.auth` is the access token; `request.user` its user, or an AnonymousUser where a client
    came on its own behalf. A bearer token that is bad is refused with 401, whatever else the
    request carries (RFC 6750 §3.1).
    """

    def authenticate(self, request: Request) -> tuple[Any, Any] | None:
        """Return the user and the access token, None without a bearer token.

        Raises InvalidToken.
        """
        token = self.bearer_token(request)
        if token is None:
            return None
        access_token = holdings.find_token(request, token)
        if access_token is None:
            raise self.refusal(request)
        # Most tokens are meant for no resource in particular, and nobody looks at where they came.
        uri = request.build_absolute_uri(request.path) if access_token.resource else ""
        if not tokens.is_good(access_token, request, uri=uri, path=request.path):
            raise self.refusal(request)
        return access_token.user or AnonymousUser(), access_token
