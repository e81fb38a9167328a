"""Clients that authenticate themselves."""

from __future__ import annotations

from typing import Any

from django.db import DataError
from oauthlib.oauth2.rfc6749.errors import UnsupportedGrantTypeError


class ClientMixin:
    """Take what is no Basic credential for a wrong one, and no grant type that is none."""

    def _authenticate_basic_auth(self, request: Any) -> bool:
        validator: Any = super()
        try:
            return validator._authenticate_basic_auth(request) is True
        except (ValueError, DataError):
            # Letters beyond ASCII where base64 should be, which the toolkit does not expect; a null
            # character within, which PostgreSQL does not.
            return False

    def validate_grant_type(
        self, client_id: str, grant_type: str, client: Any, request: Any, *args: Any, **kwargs: Any
    ) -> bool:
        """Whether the client may use it. Raises UnsupportedGrantTypeError for `openid`.

        oauthlib knows OpenID Connect by that name, which the toolkit does not expect.
        """
        if grant_type == "openid":
            raise UnsupportedGrantTypeError(request=request)
        validator: Any = super()
        is_valid = validator.validate_grant_type(
            client_id, grant_type, client, request, *args, **kwargs
        )
        return is_valid is True
