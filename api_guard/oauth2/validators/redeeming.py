"""A code can be redeemed once. A second attempt revokes the tokens of the first."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.db import router, transaction
from oauth2_provider.models import (
    get_access_token_model,
    get_grant_model,
    get_refresh_token_model,
)
from oauthlib.oauth2.rfc6749.errors import InvalidGrantError
from oauthlib.oauth2.rfc6749.grant_types.authorization_code import (
    code_challenge_method_plain,
    code_challenge_method_s256,
)

from api_guard import tokens
from api_guard.models import RedeemedCode

logger = logging.getLogger("api_guard.oauth2")

_CODE = "authorization_code"
_METHODS = {"plain": code_challenge_method_plain, "S256": code_challenge_method_s256}


class RedeemMixin:
    """Redeem a code once (RFC 6749 §4.1.2).

    If the same client sends the code again with the correct verifier, somebody else may have the
    code. Then the tokens that were issued for it are revoked.
    """

    def validate_code(
        self, client_id: str, code: str, client: Any, request: Any, *args: Any, **kwargs: Any
    ) -> bool:
        """Whether the code may be redeemed."""
        validator: Any = super()
        if validator.validate_code(client_id, code, client, request, *args, **kwargs) is True:
            return True
        _end_what_was_issued(request)
        return False

    def get_code_challenge(self, code: str, request: Any) -> str | None:
        """Return the challenge of a code. Another request may have redeemed the code meanwhile."""
        validator: Any = super()
        if not (request.code_verifier or "").isascii():
            raise InvalidGrantError(request=request)  # not a valid verifier (RFC 7636 §4.1)
        with _void_where_it_is_gone(request):
            challenge: str | None = validator.get_code_challenge(code, request)
        if not (challenge or "").isascii():
            raise InvalidGrantError(request=request)  # not a valid challenge
        if not challenge and request.code_verifier:
            # RFC 9700 §2.1.1: somebody removed the challenge, so the code is not from this client.
            raise InvalidGrantError(request=request)
        return challenge

    def get_code_challenge_method(self, code: str, request: Any) -> str | None:
        """Return the method of the challenge."""
        validator: Any = super()
        with _void_where_it_is_gone(request):
            method: str | None = validator.get_code_challenge_method(code, request)
        return method

    def confirm_redirect_uri(
        self, client_id: str, code: str, redirect_uri: str, client: Any, request: Any
    ) -> bool:
        """Compare with the redirect URI that the code was sent to."""
        validator: Any = super()
        with _void_where_it_is_gone(request):
            is_same: bool = validator.confirm_redirect_uri(
                client_id, code, redirect_uri, client, request
            )
        return is_same

    def invalidate_authorization_code(
        self, client_id: str, code: str, request: Any, *args: Any, **kwargs: Any
    ) -> None:
        """Do nothing: the transaction that issued the token has deleted the code."""

    def save_bearer_token(self, token: Any, request: Any, *args: Any, **kwargs: Any) -> Any:
        """Save the tokens. Raises InvalidGrantError if the code does not exist any more."""
        validator: Any = super()
        with _void_where_it_is_gone(request):
            return validator.save_bearer_token(token, request, *args, **kwargs)

    def _save_bearer_token(self, token: Any, request: Any, *args: Any, **kwargs: Any) -> None:
        validator: Any = super()
        validator._save_bearer_token(token, request, *args, **kwargs)
        if request.grant_type == _CODE:
            _redeem(request.code, token["access_token"], request.client)


@contextmanager
def _void_where_it_is_gone(request: Any) -> Iterator[None]:
    try:
        yield
    except get_grant_model().DoesNotExist:
        _end_what_was_issued(request)
        raise InvalidGrantError(request=request) from None


def _redeem(code: str, issued: str, client: Any) -> None:
    """Replace the code by a record of its tokens. Raises DoesNotExist if the code is gone.

    This is one transaction with the token: of two requests with one code, one is refused, and a
    code that is being revoked cannot be redeemed.
    """
    used = get_grant_model().objects.select_for_update().get(code=code, application=client)
    used.delete()
    # In the same database: another connection may not see the token yet.
    database = used._state.db
    access_tokens = get_access_token_model().objects.using(database)
    access_token = access_tokens.get(token_checksum=_checksum(issued))
    refresh_tokens = get_refresh_token_model().objects.using(database)
    refresh_token = refresh_tokens.filter(access_token=access_token).first()
    RedeemedCode.objects.using(database).create(
        code_checksum=_checksum(code),
        code_challenge=used.code_challenge,
        code_challenge_method=used.code_challenge_method,
        access_token=None if refresh_token else access_token,
        refresh_token=refresh_token,
    )


def _end_what_was_issued(request: Any) -> None:
    with transaction.atomic(using=router.db_for_write(RedeemedCode)):
        # Locked, so that no refresh runs until all tokens are revoked.
        held = RedeemedCode.objects.select_for_update()
        row = held.filter(code_checksum=_checksum(request.code)).first()
        issued = None if row is None else _issued(row)
        if (
            row is None
            or issued is None
            or issued.application_id != request.client.pk
            or not _is_verified(row, request.code_verifier or "")
        ):
            return
        tokens.revoke_issued(issued)
    logger.warning(
        "The client %s sent one code twice: the tokens of this code are revoked.",
        request.client.client_id,
    )


def _issued(row: RedeemedCode) -> Any:
    model, pk = get_refresh_token_model(), row.refresh_token_id
    if pk is None:
        model, pk = get_access_token_model(), row.access_token_id
    # In the database of the code: another database may be behind.
    return model._base_manager.using(row._state.db).filter(pk=pk).first()


def _is_verified(row: RedeemedCode, verifier: str) -> bool:
    if not row.code_challenge:
        return True
    method = _METHODS.get(row.code_challenge_method)
    return method is not None and verifier.isascii() and method(verifier, row.code_challenge)


def _checksum(code: str) -> str:
    return hashlib.sha256(code.encode("utf-8", "surrogatepass")).hexdigest()
