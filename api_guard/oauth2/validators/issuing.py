"""The scopes at consent and at code exchange."""

from __future__ import annotations

import logging
import re
from typing import Any

from django.contrib.auth import get_user_model
from django.core.exceptions import ImproperlyConfigured
from jwcrypto.common import JWException
from oauth2_provider.models import get_refresh_token_model
from oauthlib.oauth2.rfc6749.errors import InvalidRequestError, ServerError

from api_guard import grants
from api_guard.oauth2.narrowing import is_active, live_scopes
from api_guard.oauth2.redirects import may_redirect_to
from api_guard.oauth2.subjects import is_another, refuse_unreadable_claims

logger = logging.getLogger("api_guard.oauth2")

# RFC 7636 §4.2, and the length of the toolkit's column.
_CHALLENGE = re.compile(r"[A-Za-z0-9._~-]{43,128}", re.ASCII)
_LONGEST_NONCE = 255


class IssueMixin:
    """Issue only scopes that the client and, if there is one, the user hold."""

    def validate_scopes(
        self, client_id: str, scopes: Any, client: Any, request: Any, *args: Any, **kwargs: Any
    ) -> bool:
        """Refuse scopes that the client does not hold. Leave out scopes that the user lacks.

        RFC 6749 §3.3: the server may issue fewer scopes than the client asked for, and tells which.
        The scopes of a sign-in need no grant. But without a code exchange, the client needs at
        least one grant.
        """
        validator: Any = super()
        if not scopes or not validator.validate_scopes(
            client_id, scopes, client, request, *args, **kwargs
        ):
            return False
        is_direct = request.grant_type == "password" or "code" not in (
            request.response_type or "code"
        )
        if is_direct and not grants.scopes_of_client(client.pk):
            return False
        if isinstance(request.user, get_user_model()):
            request.scopes = live_scopes(scopes, request.user, client)
        elif request.grant_type == "client_credentials":
            # OpenID Connect's own scopes are about a user, and here is none.
            request.scopes = live_scopes(scopes, None, client)
        return bool(request.scopes)

    def validate_response_type(
        self,
        client_id: str,
        response_type: str,
        client: Any,
        request: Any,
        *args: Any,
        **kwargs: Any,
    ) -> bool:
        """Whether the client may use the type. Raises InvalidRequestError for a bad challenge.

        oauthlib makes every parameter an attribute of the request. The toolkit would read a
        `grant_type` as the one of the token endpoint, where the client is authenticated and the
        code is checked. The consent page has no grant type.
        """
        request.grant_type = None
        _refuse_what_cannot_be_kept(request)
        validator: Any = super()
        is_valid = validator.validate_response_type(
            client_id, response_type, client, request, *args, **kwargs
        )
        return is_valid is True

    def validate_silent_login(self, request: Any) -> bool:
        """Always true: the consent page decides, because it knows the session."""
        del request
        return True

    def validate_silent_authorization(self, request: Any) -> bool:
        """Always true: the consent page decides."""
        del request
        return True

    def validate_user_match(
        self, id_token_hint: str, scopes: Any, claims: Any, request: Any
    ) -> bool:
        """Whether the client asks for the user who consents. Before that, nobody is known."""
        del id_token_hint, scopes, claims
        user = request.user
        return not (isinstance(user, get_user_model()) and is_another(request, user))

    def validate_redirect_uri(
        self, client_id: str, redirect_uri: str, request: Any, *args: Any, **kwargs: Any
    ) -> bool:
        """Whether the client has registered the URI, and it is secure (RFC 9700 §2.1)."""
        validator: Any = super()
        is_registered = validator.validate_redirect_uri(
            client_id, redirect_uri, request, *args, **kwargs
        )
        return is_registered is True and may_redirect_to(redirect_uri)

    def get_default_redirect_uri(
        self, client_id: str, request: Any, *args: Any, **kwargs: Any
    ) -> str | None:
        """Return the only redirect URI of a client, if a code may be sent to it."""
        validator: Any = super()
        uri: str | None = validator.get_default_redirect_uri(client_id, request, *args, **kwargs)
        return uri if uri and may_redirect_to(uri) else None

    def validate_code(
        self, client_id: str, code: str, client: Any, request: Any, *args: Any, **kwargs: Any
    ) -> bool:
        """Narrow the scopes of the consent. A code without scopes left is invalid."""
        validator: Any = super()
        if not validator.validate_code(client_id, code, client, request, *args, **kwargs):
            return False
        request.consented = [name for name in request.scopes if name]
        request.scopes = live_scopes(request.consented, request.user, client)
        return is_active(request.user) and bool(request.scopes)

    def finalize_id_token(self, id_token: Any, token: Any, token_handler: Any, request: Any) -> str:
        """Return the signed ID token. Raises ServerError if the client has no key to sign with."""
        validator: Any = super()
        try:
            signed: str = validator.finalize_id_token(id_token, token, token_handler, request)
        except (ImproperlyConfigured, JWException) as error:
            logger.error("The client %s cannot get an ID token: %s", request.client, error)
            raise ServerError(request=request) from error
        return signed

    def _save_bearer_token(self, token: Any, request: Any, *args: Any, **kwargs: Any) -> None:
        _forget_claims(request)
        validator: Any = super()
        validator._save_bearer_token(token, request, *args, **kwargs)


def _refuse_what_cannot_be_kept(request: Any) -> None:
    challenge, nonce = request.code_challenge, request.nonce
    # An empty challenge is also invalid: its client believes that the code is bound to it.
    if challenge is not None and not _CHALLENGE.fullmatch(challenge):
        raise InvalidRequestError("The code_challenge is not valid.", request=request)
    if nonce and len(nonce) > _LONGEST_NONCE:
        raise InvalidRequestError("The nonce is too long.", request=request)
    refuse_unreadable_claims(request)


def _forget_claims(request: Any) -> None:
    """Clear attributes that only the server may set, but that came from the request body.

    oauthlib makes every parameter of a form an attribute of the request.
    """
    if not isinstance(request.user, get_user_model()):
        request.user = None
    known = vars(request).get("refresh_token_instance")
    request.refresh_token_instance = known if isinstance(known, get_refresh_token_model()) else None
