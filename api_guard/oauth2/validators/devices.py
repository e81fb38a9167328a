"""The device flow (RFC 8628)."""

from __future__ import annotations

from typing import Any

from django.db import router
from oauth2_provider.models import get_device_grant_model
from oauthlib.oauth2.rfc6749.errors import InvalidGrantError
from oauthlib.oauth2.rfc8628.errors import (
    AccessDenied,
    AuthorizationPendingError,
    ExpiredTokenError,
)

from api_guard.oauth2.narrowing import is_active, live_scopes

GRANT_TYPE = "urn:ietf:params:oauth:grant-type:device_code"
_AUTHORIZED = "authorized"
_ERRORS = {
    error.error: error for error in (AuthorizationPendingError, ExpiredTokenError, AccessDenied)
}


class DeviceCodeMixin:
    """Issue the scopes that the user approved to a device, once, and only to the same client."""

    def validate_device_code(self, client_id: str, device_code: str, request: Any) -> str | None:
        """Return the status of a device code (RFC 8628 §3.5), or None if it is invalid.

        oauthlib 4.0 calls this method. oauthlib 3.3 does not, so `validate_scopes` calls it.
        """
        del client_id
        model: Any = get_device_grant_model()
        devices = model.objects.using(router.db_for_write(model))
        device = devices.filter(device_code=device_code, client_id=request.client.client_id).first()
        if device is None:
            return None
        if device.is_expired():
            return "expired_token"
        if device.status != model.AUTHORIZED:
            return "access_denied" if device.status == model.DENIED else "authorization_pending"
        request.user = device.user
        request.consented = device.scope.split()
        request.scopes = live_scopes(request.consented, device.user, request.client)
        return _AUTHORIZED if is_active(device.user) and request.scopes else None

    def validate_scopes(
        self, client_id: str, scopes: Any, client: Any, request: Any, *args: Any, **kwargs: Any
    ) -> bool:
        """Use the scopes that the user approved for the device."""
        if request.grant_type != GRANT_TYPE:
            validator: Any = super()
            is_valid = validator.validate_scopes(
                client_id, scopes, client, request, *args, **kwargs
            )
            return is_valid is True
        status = self.validate_device_code(client_id, request.device_code, request)
        if status != _AUTHORIZED:
            raise _ERRORS.get(str(status), InvalidGrantError)(request=request)
        return True

    def _save_bearer_token(self, token: Any, request: Any, *args: Any, **kwargs: Any) -> None:
        validator: Any = super()
        validator._save_bearer_token(token, request, *args, **kwargs)
        if request.grant_type == GRANT_TYPE:
            used = get_device_grant_model().objects.filter(device_code=request.device_code)
            if not used.delete()[0]:
                raise InvalidGrantError(request=request)
