"""The second use of a refresh token."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.utils import timezone
from oauth2_provider.models import get_access_token_model, get_refresh_token_model
from oauth2_provider.settings import oauth2_settings
from oauthlib.oauth2.rfc6749.errors import InvalidGrantError

from api_guard import tokens
from api_guard.models import RedeemedCode


def hold(used: Any, request: Any) -> None:
    """Lock a refresh token until the new one is saved. Raises InvalidGrantError if it is invalid.

    It was checked before this transaction, and may have been revoked or rotated since. For a token
    that was just rotated, the toolkit returns the same new pair again. If tokens are stored hashed,
    that pair cannot be shown again: within the grace period, another new pair replaces it.
    """
    model: Any = get_refresh_token_model()
    family = model.objects.filter(token_family=used.token_family) if used.token_family else [used]
    # Lock in the same order as other code: the code before its tokens, as for a second use of the
    # code; a refresh token before its access token, as in a rotation.
    codes = RedeemedCode.objects.filter(refresh_token__in=family)
    held = [code.pk for code in codes.select_for_update()]
    row = model.objects.select_for_update().filter(pk=used.pk).first()
    if row is None:
        raise InvalidGrantError(request=request)
    if row.access_token_id is not None:
        return
    access_tokens = get_access_token_model().objects.filter(source_refresh_token=row)
    list(model.objects.select_for_update().filter(access_token__in=list(access_tokens)))
    # Locked as well: the toolkit reads it next, and makes a new one if it does not exist.
    issued = access_tokens.select_for_update().first()
    if issued is None or not (issued.token or _is_in_grace(row)):
        raise InvalidGrantError(request=request)
    if not issued.token:
        RedeemedCode.objects.filter(pk__in=held).update(refresh_token=row)
        tokens.revoke_pair(issued)


def _is_in_grace(row: Any) -> bool:
    grace = timedelta(seconds=oauth2_settings.REFRESH_TOKEN_GRACE_PERIOD_SECONDS)
    return row.revoked is not None and timezone.now() < row.revoked + grace
