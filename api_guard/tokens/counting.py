"""Counts the live tokens of a user or a client, up to a limit."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.contrib.auth import get_user_model
from django.db import models, router
from django.db.models import Count, Max
from django.utils import timezone
from oauth2_provider.models import (
    get_access_token_model,
    get_application_model,
    get_refresh_token_model,
)


@dataclass(frozen=True)
class Share:
    """Some live access tokens: their number, when the newest was made, when the last one ends."""

    count: int = 0
    newest: datetime | None = None
    until: datetime | None = None


@dataclass(frozen=True)
class Alive:
    """The number of live tokens, at most the limit that was asked for.

    `partners` are the clients that got a user's tokens, or the users whose tokens a client got;
    each with its access tokens, the most first. `share` is that of all counted access tokens.
    """

    access: int
    refresh: int
    partners: tuple[tuple[models.Model, Share], ...]
    share: Share = Share()


def alive(grantee: models.Model, most: int, partners: int) -> Alive:
    """Count the live access and refresh tokens of a user or a client, in three queries.

    Raises TypeError if `grantee` is not a user or a client.
    """
    user, client = get_user_model(), get_application_model()
    if isinstance(grantee, user):
        side, other, model = "user", "application", client
    elif isinstance(grantee, client):
        side, other, model = "application", "user", user
    else:
        raise TypeError(f"{grantee!r} is neither a user nor a client.")
    access = _rows(get_access_token_model()).filter(**{side: grantee}, expires__gt=timezone.now())
    refresh = _rows(get_refresh_token_model()).filter(**{side: grantee}, revoked__isnull=True)
    counted = list(access.order_by("-pk").values_list(f"{other}_id", "created", "expires")[:most])
    most_first = [key for key, _ in Counter(key for key, *_ in counted).most_common()]
    keys = [key for key in most_first if key is not None][:partners]
    found = {row.pk: row for row in _rows(model).filter(pk__in=keys)}
    return Alive(
        len(counted),
        refresh.order_by()[:most].count(),
        tuple((found[key], _share(counted, key)) for key in keys if key in found),
        _share(counted),
    )


def alive_of_clients(clients: Collection[Any]) -> dict[Any, Share]:
    """Return the live access tokens of some clients, by primary key, in one query."""
    rows = _rows(get_access_token_model()).filter(
        application__in=clients, expires__gt=timezone.now()
    )
    found = rows.order_by().values_list("application_id")
    shares = found.annotate(Count("pk"), Max("created"), Max("expires"))
    return {key: Share(count, newest, until) for key, count, newest, until in shares}


def _share(counted: list[tuple[Any, datetime, datetime]], key: object = None) -> Share:
    mine = [each for each in counted if key is None or each[0] == key]
    return Share(
        len(mine),
        max((created for _, created, _ in mine), default=None),
        max((expires for *_, expires in mine), default=None),
    )


def _rows(model: Any) -> models.QuerySet[Any]:
    rows: models.QuerySet[Any] = model._base_manager.using(router.db_for_write(model))
    return rows
