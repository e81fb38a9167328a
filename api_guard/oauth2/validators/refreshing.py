"""Refresh: the new access token may have fewer scopes. The refresh token keeps all its scopes."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.db import router
from oauth2_provider.models import get_refresh_token_model
from oauthlib.oauth2.rfc6749.errors import InvalidScopeError

from api_guard.models import RedeemedCode, RefreshScope
from api_guard.oauth2.narrowing import is_active, live_scopes
from api_guard.oauth2.validators.rotating import hold


class RefreshMixin:
    """Narrow the scopes of each new access token, beginning with all scopes of the consent."""

    def validate_refresh_token(
        self, refresh_token: str, client: Any, request: Any, *args: Any, **kwargs: Any
    ) -> bool:
        """Refuse the refresh token of an inactive user."""
        validator: Any = super()
        is_valid = validator.validate_refresh_token(refresh_token, client, request, *args, **kwargs)
        return is_valid is True and is_active(request.user)

    def get_original_scopes(
        self, refresh_token: str, request: Any, *args: Any, **kwargs: Any
    ) -> list[str]:
        """Return the consented scopes that are granted now. Raises InvalidScopeError for none."""
        validator: Any = super()
        row = request.refresh_token_instance
        scopes = RefreshScope.objects.using(router.db_for_write(RefreshScope))
        # For a refresh token that was just used, the scopes are on the next one.
        kept = (
            scopes.filter(refresh_token=row).first()
            or scopes.filter(refresh_token__access_token__source_refresh_token=row).first()
        )
        carried = validator.get_original_scopes(refresh_token, request, *args, **kwargs)
        request.consented = (kept.scope if kept else " ".join(_as_list(carried))).split()
        live = live_scopes(request.consented, request.user, request.client)
        if not live:
            # Not invalid_grant: the client would drop a token that a new grant makes useful again.
            raise InvalidScopeError(request=request)
        return live

    def is_within_original_scope(
        self, request_scopes: list[str], refresh_token: str, request: Any, *args: Any, **kwargs: Any
    ) -> bool:
        """Narrow the consented scopes to those that the client asks for now."""
        del refresh_token, args, kwargs
        if not set(request_scopes) <= set(request.consented):
            return False
        request.scopes = live_scopes(request_scopes, request.user, request.client)
        return bool(request.scopes)

    def _save_bearer_token(self, token: Any, request: Any, *args: Any, **kwargs: Any) -> None:
        used = vars(request).get("refresh_token_instance")
        if isinstance(used, get_refresh_token_model()):
            hold(used, request)
        validator: Any = super()
        validator._save_bearer_token(token, request, *args, **kwargs)
        reused = vars(request).get("refresh_token_instance")
        if isinstance(reused, get_refresh_token_model()):
            _keep_whole(reused, token["scope"], request)

    def _create_refresh_token(
        self, request: Any, refresh_token_code: str, access_token: Any, previous: Any
    ) -> Any:
        validator: Any = super()
        row = validator._create_refresh_token(request, refresh_token_code, access_token, previous)
        _keep_whole(row, access_token.scope, request)
        if previous is not None:
            RedeemedCode.objects.filter(refresh_token=previous).update(refresh_token=row)
        return row


def _as_list(scopes: Any) -> Iterable[str]:
    return scopes.split() if isinstance(scopes, str) else scopes or ()


def _keep_whole(row: Any, carried: str, request: Any) -> None:
    """Store all scopes of a refresh token if its access token has fewer."""
    consented = vars(request).get("consented") or []
    if set(consented) > set(carried.split()):
        RefreshScope.objects.update_or_create(
            refresh_token=row, defaults={"scope": " ".join(consented)}
        )
