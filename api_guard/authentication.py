"""Bearer tokens of django-oauth-toolkit, from the Authorization header alone."""

from __future__ import annotations

import hashlib
import re
from functools import cache
from typing import Any

from django.contrib.auth.models import AnonymousUser
from django.db import router
from django.db.models import QuerySet
from django.http import HttpRequest
from oauth2_provider.models import get_access_token_model
from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import APIException, AuthenticationFailed
from rest_framework.request import Request

from api_guard.core.challenges import bearer_challenge
from api_guard.exceptions import InvalidCredential, InvalidToken
from api_guard.statements import Parameter, Statement

# RFC 6750 §2.1: b64token = 1*( ALPHA / DIGIT / "-" / "." / "_" / "~" / "+" / "/" ) *"="
_TOKEN = re.compile(r"[A-Za-z0-9._~+/-]+=*", re.ASCII)
_LONGEST = 4096


class OAuth2Authentication(BaseAuthentication):
    """Authenticate `Authorization: Bearer`, and nothing else, against the access tokens.

    `request.auth` is the access token; `request.user` its user, or an AnonymousUser where a client
    came on its own behalf. A bearer token that is bad is refused with 401, whatever else the
    request carries (RFC 6750 §3.1).
    """

    def authenticate(self, request: Request) -> tuple[Any, Any] | None:
        """Return the user and the access token, None without a bearer token.

        Raises InvalidToken.
        """
        scheme, _, token = request.META.get("HTTP_AUTHORIZATION", "").partition(" ")
        if scheme.lower() != "bearer":
            return None
        access_token = self._load(token.strip())
        if access_token is None or not self._is_good(access_token, request):
            raise InvalidToken
        return access_token.user or AnonymousUser(), access_token

    def authenticate_header(self, request: Request) -> str:
        """Return the challenge for a request without a credential (RFC 6750 §3)."""
        del request
        return bearer_challenge()

    def token_scopes(self, auth: Any) -> frozenset[str]:
        """Return the scopes that the access token carries."""
        return frozenset(auth.scope.split())

    def token_client(self, auth: Any) -> object:
        """Return the primary key of the client that the access token was issued to."""
        return auth.application_id

    def _load(self, token: str) -> Any:
        if len(token) > _LONGEST or _TOKEN.fullmatch(token) is None:
            return None
        return _find(hashlib.sha256(token.encode("ascii")).hexdigest())

    def _is_good(self, access_token: Any, request: Request) -> bool:
        if access_token.is_expired():
            return False
        user, client = access_token.user, access_token.application
        if user is None and client is None:
            return False
        if user is not None and user.is_active is not True:
            return False
        if client is not None and not client.is_usable(request):
            return False
        # RFC 8707 §2: a token made for another resource is none for this one.
        return not access_token.resource or access_token.allows_audience(_resource(request))


def authenticate(request: Request) -> None:
    """Authenticate as DRF does, and hold every credential that is presented to account.

    A credential in the Authorization field is refused when all authenticators of its scheme refuse
    it, and not before: two kinds of bearer token live side by side. It is looked at beside a good
    session too, in whatever order they are listed. Raises what the first of them raised.
    """
    drf: Any = request
    claimants = _claimants(drf)
    chosen: tuple[Any, tuple[Any, Any]] | None = None
    failure: APIException | None = None
    is_settled = False
    for authenticator in drf.authenticators:
        is_claimant = authenticator in claimants
        if chosen is not None and (is_settled or not is_claimant):
            continue
        try:
            found = authenticator.authenticate(drf)
        except APIException as error:
            failure = failure or _as_refusal(error, authenticator, drf)
            if is_claimant:
                continue
            break
        if found is not None:
            chosen = chosen or (authenticator, found)
            is_settled = is_settled or is_claimant
    if chosen is None or (failure is not None and not is_settled):
        drf._not_authenticated()
        if failure is not None:
            raise failure
        return
    drf._authenticator, (drf.user, drf.auth) = chosen


def _as_refusal(error: APIException, authenticator: Any, request: Any) -> APIException:
    """Keep the 401 of a bad credential, which DRF would judge by the first authenticator alone."""
    challenge = authenticator.authenticate_header(request)
    if isinstance(error, AuthenticationFailed) and challenge:
        return InvalidCredential(error.detail, challenge)
    return error


def _claimants(request: Any) -> list[Any]:
    """Return the authenticators that speak the scheme of the credential that is presented."""
    scheme = request.META.get("HTTP_AUTHORIZATION", "").partition(" ")[0].lower()
    if not scheme:
        return []
    return [
        authenticator
        for authenticator in request.authenticators
        if (authenticator.authenticate_header(request) or "").partition(" ")[0].lower() == scheme
    ]


def _find(checksum: str) -> Any:
    """Return the access token with its user and its client, in one query; None without one."""
    token_model = get_access_token_model()
    user_model, client_model = (_model_at(token_model, name) for name in ("user", "application"))
    for row in _token_statement(token_model).rows({"checksum": checksum}):
        token, user, client = (
            _take(model, row) for model in (token_model, user_model, client_model)
        )
        token.user, token.application = user, client
        return token
    return None


@cache
def _token_statement(token_model: Any) -> Statement:
    def build() -> QuerySet[Any, Any]:
        names = [field.attname for field in token_model._meta.concrete_fields]
        for name in ("user", "application"):
            fields = _model_at(token_model, name)._meta.concrete_fields
            names += [f"{name}__{field.attname}" for field in fields]
        checksum = Parameter("checksum", token_model._meta.get_field("token_checksum"))
        tokens = token_model._default_manager.filter(token_checksum=checksum)
        return tokens.order_by().values_list(*names)  # type: ignore[no-any-return]

    return Statement(token_model, build)


def _model_at(token_model: Any, name: str) -> Any:
    return token_model._meta.get_field(name).related_model


def _take(model: Any, row: list[Any]) -> Any:
    """Make an instance of the next columns of `row`, None where an outer join found none."""
    fields = model._meta.concrete_fields
    values = [row.pop(0) for _ in fields]
    if values[fields.index(model._meta.pk)] is None:
        return None
    return model.from_db(router.db_for_read(model), [f.attname for f in fields], values)


def _resource(request: HttpRequest | Request) -> str:
    return request.build_absolute_uri(request.path)
