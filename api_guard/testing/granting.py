"""Gives test users and clients scopes and access tokens."""

from __future__ import annotations

import secrets
from datetime import datetime, timedelta
from typing import Any

from django.apps import apps
from django.conf import settings
from django.db.models import Model
from django.utils import timezone
from rest_framework.test import APIClient

from api_guard.grants import System
from api_guard.grants.finding import live_of
from api_guard.grants.writing import give
from api_guard.models import ScopeGrant

_BY = System("a test")


def grant_scopes(
    grantee: Model, *scopes: str, expires_at: datetime | None = None
) -> list[ScopeGrant]:
    """Grant scopes to a user, a group or a client, at once, also sensitive ones.

    A scope that the grantee has already stays as it is. Revoke with `api_guard.grants.revoke`.
    Raises GrantError, for example for a scope that is not declared.
    """
    return [
        live_of(scope, grantee) or give(scope, grantee, by=_BY, reason="", expires_at=expires_at)
        for scope in scopes
    ]


def access_token(*scopes: str, user: Any = None, client: Any = None, seconds: int = 3600) -> Any:
    """Return an access token that carries these scopes, of a new client by default.

    Without `user` the client acts on its own behalf. It grants nothing: use `grant_scopes` for
    the user and for the client (`token.application`). The text for the Authorization header is
    `token.token`.
    """
    value = secrets.token_urlsafe(30)
    model = _model("ACCESS_TOKEN", "AccessToken")
    return model.objects.create(
        user=user,
        application=client or _client(user),
        token=value,
        scope=" ".join(scopes),
        expires=timezone.now() + timedelta(seconds=seconds),
    )


def scoped_client(*scopes: str, user: Any = None, client: Any = None) -> APIClient:
    """Return DRF's APIClient with an access token, granted to the user and to the client."""
    token = access_token(*scopes, user=user, client=client)
    for grantee in filter(None, (user, token.application)):
        grant_scopes(grantee, *scopes)
    caller = APIClient()
    caller.credentials(HTTP_AUTHORIZATION=f"Bearer {token.token}")
    return caller


def _client(user: Any) -> Any:
    name = f"test-{secrets.token_hex(8)}"
    grant = "client-credentials" if user is None else "authorization-code"
    return _model("APPLICATION", "Application").objects.create(
        name=name,
        client_id=name,
        client_type="confidential",
        authorization_grant_type=grant,
        redirect_uris="" if user is None else "https://client.example/back",
    )


def _model(kind: str, name: str) -> Any:
    return apps.get_model(
        getattr(settings, f"OAUTH2_PROVIDER_{kind}_MODEL", f"oauth2_provider.{name}")
    )
