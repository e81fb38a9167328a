"""Refusals of a credential, or of the way it came."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from api_guard.core.challenges import bearer_challenge
from api_guard.exceptions.refusal import Refusal


class NotAuthenticated(Refusal):
    """No credential was presented, and one is needed."""

    status_code = 401
    default_detail = _("Authentication credentials were not provided.")
    default_code = "not_authenticated"

    def __init__(self, challenge: str | None) -> None:
        super().__init__()
        self.auth_header = challenge
        if challenge is None:
            # RFC 9110 §15.5.2: a 401 must carry a challenge, and this view has none to offer.
            self.status_code = 403


class InvalidToken(Refusal):
    """A bearer token was presented, and it is none of ours, expired, revoked or orphaned."""

    status_code = 401
    default_detail = _("The access token is invalid, expired or revoked.")
    default_code = "invalid_token"

    def __init__(self, resource_metadata: str | None = None) -> None:
        super().__init__()
        self.auth_header = bearer_challenge(
            error="invalid_token",
            description="The access token is invalid, expired or revoked",
            resource_metadata=resource_metadata,
        )


class TokenInQuery(Refusal):
    """An access token came in the query string, which logs and histories keep (RFC 9700 §4.3.2)."""

    status_code = 400
    default_detail = _("Send the access token in the Authorization header alone.")
    default_code = "token_in_query"

    def __init__(self, resource_metadata: str | None = None) -> None:
        super().__init__()
        self.auth_header = bearer_challenge(
            error="invalid_request",
            description="The access token must not be in the query string",
            resource_metadata=resource_metadata,
        )


class InsecureTransport(Refusal):
    """A plaintext request reached the API of a site that is for TLS alone (ASVS 5.0, 4.1.2)."""

    status_code = 403
    default_detail = _("This API is spoken over TLS alone.")
    default_code = "insecure_transport"


class InvalidCredential(Refusal):
    """A credential of another kind was presented, and its authenticator refused it."""

    status_code = 401
    default_detail = _("Incorrect authentication credentials.")
    default_code = "authentication_failed"

    def __init__(self, detail: object, challenge: str) -> None:
        super().__init__(None if isinstance(detail, (dict, list)) else detail)
        if isinstance(detail, dict):
            self.detail = detail  # a package's own shape, such as that of simplejwt
        self.auth_header = challenge
