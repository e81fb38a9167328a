"""Maps an introspected token to a user and a client of this site."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.db import models, router
from oauth2_provider.models import get_application_model

from api_guard import conf
from api_guard.core.introspection import Claims
from api_guard.models import RemoteSubject


@dataclass(frozen=True)
class IntrospectedToken:
    """An access token of another authorization server.

    `user` and `application_id` belong to this site, and are None if this site does not know them.
    `expires` is a POSIX time.
    """

    scope: str
    user: models.Model | None
    application_id: object
    issuer: str
    subject: str | None
    client_id: str | None
    expires: float | None


def locate(claims: Claims, issuer: str) -> IntrospectedToken | None:
    """Return the token with its user and its client on this site, or None to refuse it.

    A token of an unknown user is refused: the client alone may have more scopes than both together.
    A token of an inactive user or of an unusable client is refused. So is a token whose user and
    client are both unknown.
    """
    user, client = None if claims.is_clients_own else _user(claims, issuer), _client(claims)
    if user is None and (client is None or not _may_act_alone(claims)):
        return None
    if user is not None and getattr(user, "is_active", False) is not True:
        return None
    if client is not None and not client.is_usable(None):
        return None
    return IntrospectedToken(
        scope=claims.scope,
        user=user,
        application_id=None if client is None else client.pk,
        issuer=issuer,
        subject=claims.subject,
        client_id=claims.client_id,
        expires=claims.expires,
    )


def _may_act_alone(claims: Claims) -> bool:
    settings = conf.introspection()
    is_allowed = settings is not None and settings.is_unknown_subject_client
    return claims.is_clients_own or is_allowed


def _user(claims: Claims, issuer: str) -> models.Model | None:
    if not claims.subject:
        return None
    found = (
        RemoteSubject.objects.using(router.db_for_write(RemoteSubject))
        .filter(issuer=issuer, subject=claims.subject)
        .select_related("user")
        .first()
    )
    # For a database, "Bob" and "bob" may be equal. For the other server, they may not be.
    is_same = found is not None and (found.issuer, found.subject) == (issuer, claims.subject)
    return found.user if found is not None and is_same else None


def _client(claims: Claims) -> Any:
    if not claims.client_id:
        return None
    model = get_application_model()
    clients = model._default_manager.using(router.db_for_write(model))
    found = clients.filter(client_id=claims.client_id).first()
    return found if found is not None and found.client_id == claims.client_id else None
