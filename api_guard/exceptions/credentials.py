"""Refusals of a credential, or of the way it was sent."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext_lazy as _
from rest_framework import exceptions

from api_guard.core.challenges import bearer_challenge
from api_guard.exceptions.refusal import Refusal


class NotAuthenticated(Refusal, exceptions.NotAuthenticated):
    """No credential was presented, and one is needed."""

    status_code = 401
    default_detail = _("Authentication credentials were not provided.")
    default_code = "not_authenticated"

    def __init__(self, challenge: str | None) -> None:
        super().__init__()
        self.challenge(challenge)


class InvalidToken(Refusal, exceptions.AuthenticationFailed):
    """The bearer token is unknown, expired or revoked, or its user or client is gone."""

    status_code = 401
    default_detail = _("The access token is invalid, expired or revoked.")
    default_code = "invalid_token"

    def __init__(self, resource_metadata: str | None = None) -> None:
        super().__init__()
        self.challenge(
            bearer_challenge(
                error="invalid_token",
                description="The access token is invalid, expired or revoked",
                resource_metadata=resource_metadata,
            )
        )


class TokenInQuery(Refusal, exceptions.ParseError):
    """An access token came in the query string, which logs and histories keep (RFC 9700 §4.3.2)."""

    status_code = 400
    default_detail = _("Send the access token only in the Authorization header.")
    default_code = "token_in_query"

    def __init__(self, resource_metadata: str | None = None) -> None:
        super().__init__()
        self.challenge(
            bearer_challenge(
                error="invalid_request",
                description="The access token must not be in the query string",
                resource_metadata=resource_metadata,
            )
        )


class InsecureTransport(Refusal, exceptions.PermissionDenied):
    """A request without TLS reached the API of a site that requires TLS (ASVS 5.0, 4.1.2)."""

    status_code = 403
    default_detail = _("This API requires TLS.")
    default_code = "insecure_transport"


class InvalidCredential(Refusal, exceptions.AuthenticationFailed):
    """A credential of another kind was presented, and its authenticator refused it."""

    status_code = 401
    default_detail = _("Incorrect authentication credentials.")
    default_code = "authentication_failed"

    def __init__(self, detail: object, challenge: str) -> None:
        said: dict[str, Any] = detail if isinstance(detail, dict) else {"detail": detail}
        text = said.get("detail")
        super().__init__(None if isinstance(text, (dict, list)) else text)
        if said is detail:
            # A package's own shape, such as that of simplejwt: the body keeps it.
            self.body = dict(said)
            self.detail.code = str(said.get("code", self.default_code))
        self.challenge(challenge)
