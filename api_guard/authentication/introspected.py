"""Bearer tokens of another authorization server, by introspection (RFC 7662)."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.models import AnonymousUser
from rest_framework.request import Request

from api_guard import conf, tokens
from api_guard.authentication.bearer import BearerAuthentication


class IntrospectionAuthentication(BearerAuthentication):
    """Authenticate `Authorization: Bearer` by asking the server of `API_GUARD["INTROSPECTION"]`.

    `request.auth` is an IntrospectedToken. Its user is the user that the admin maps to the token's
    issuer and subject. Without a user, the client acts on its own behalf. The client is the one
    with the same `client_id` here. If the server gives no usable answer, the response is 503.
    """

    # A token whose client is not known here was issued to a client all the same.
    has_personal_tokens = False

    def authenticate(self, request: Request) -> tuple[Any, Any] | None:
        """Return the user and the token, or None without a bearer token.

        Raises InvalidToken and GuardUnavailable.
        """
        token = self.bearer_token(request)
        if token is None:
            return None
        found = self._locate(token, request)
        if found is None:
            raise self.refusal(request)
        return found.user or AnonymousUser(), found

    def _locate(self, token: str, request: Request) -> tokens.IntrospectedToken | None:
        if not tokens.is_well_formed(token):
            return None
        claims = tokens.introspect(token, request.path)
        settings = conf.introspection()
        if claims is None or settings is None:
            return None
        return tokens.locate(claims, settings.issuer)
