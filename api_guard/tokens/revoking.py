"""Revokes all tokens of a user or of a client."""

from __future__ import annotations

import logging
from typing import Any

from django.contrib.auth import get_user_model
from django.db import IntegrityError, models, router, transaction
from django.utils import timezone
from oauth2_provider.models import (
    get_access_token_model,
    get_application_model,
    get_device_grant_model,
    get_grant_model,
    get_id_token_model,
    get_refresh_token_model,
)

from api_guard.exceptions import is_fault
from api_guard.tokens.finding import checksum, is_well_formed

logger = logging.getLogger("api_guard.tokens")

# The next round finds tokens that were issued while a round ran. Each round is shorter.
_MOST_ROUNDS = 10


def revoke_tokens(
    grantee: models.Model,
    *,
    client: models.Model | None = None,
    by: models.Model | None = None,
    reason: str = "",
) -> int:
    """Revoke all tokens of a user or a client, and return their number.

    Revoked are access, refresh and ID tokens, authorization codes and device codes. The next
    request with one of them is refused. With `client`, only the user's tokens that this client got
    are revoked. Raises TypeError if `grantee` is not a user or a client.
    """
    filters = _filters(grantee)
    if client is not None:
        filters = {model: {**filters[model], **of} for model, of in _filters(client).items()}
    count = 0
    for _ in range(_MOST_ROUNDS):
        found = _revoke_once(filters)
        count += found
        if not found:
            break
    logger.info("%d tokens of %s were revoked by %s. %s", count, grantee, by, reason)
    return count


def count_tokens(grantee: models.Model) -> int:
    """Return how many tokens and codes `revoke_tokens` would revoke.

    Raises TypeError if `grantee` is not a user or a client.
    """
    count = 0
    for model, which in _filters(grantee).items():
        live = {"revoked__isnull": True} if model is get_refresh_token_model() else {}
        rows = model._base_manager.using(router.db_for_write(model))
        count += rows.filter(**which, **live).count()
    return count


def revoke_exposed(token: str) -> bool:
    """Revoke an access token that others may have read, and its refresh token.

    Returns whether the token existed. A failure of the database is only logged, because the request
    that exposed the token is refused in any case.
    """
    if not is_well_formed(token):
        return False
    model: Any = get_access_token_model()
    try:
        database = router.db_for_write(model)
        with transaction.atomic(using=database):
            exposed = model._base_manager.using(database).filter(token_checksum=checksum(token))
            pks = list(exposed.values_list("pk", flat=True))
            found = _revoke_pairs({"access_token__in": pks}, {"pk__in": pks})
    except Exception as error:
        if not is_fault(error):
            raise
        logger.exception("An exposed access token could not be revoked.")
        return False
    if found:
        logger.warning("An access token was sent where others can read it, and was revoked.")
    return bool(found)


def revoke_pair(access_token: Any) -> None:
    """Revoke an access token and its refresh token."""
    with transaction.atomic(using=router.db_for_write(get_access_token_model())):
        _revoke_pairs({"access_token": access_token.pk}, {"pk": access_token.pk})


def revoke_issued(token: Any) -> None:
    """Revoke an access token, or a refresh token with all tokens of its family.

    The caller has to block refreshes meanwhile.
    """
    model: Any = get_refresh_token_model()
    if not isinstance(token, model):
        _delete(get_access_token_model(), {"pk": token.pk})
        return
    # Rows from old versions of the toolkit have no family.
    family = {"token_family": token.token_family} if token.token_family else {"pk": token.pk}
    with transaction.atomic(using=router.db_for_write(model)):
        live = model._base_manager.select_for_update().filter(**family, revoked__isnull=True)
        pks = [pk for pk in live.values_list("access_token_id", flat=True) if pk is not None]
        _revoke_pairs(family, {"pk__in": pks})


def _filters(grantee: models.Model) -> dict[Any, dict[str, Any]]:
    if isinstance(grantee, get_user_model()):
        own = {"user": grantee}
        return dict.fromkeys((*_token_models(), get_device_grant_model()), own)
    if isinstance(grantee, get_application_model()):
        client: Any = grantee
        of_client: dict[Any, dict[str, Any]] = {
            model: {"application": client} for model in _token_models()
        }
        # A device code refers to its client by client_id.
        return {**of_client, get_device_grant_model(): {"client_id": client.client_id}}
    raise TypeError(f"{grantee!r} is neither a user nor a client.")


def _token_models() -> tuple[Any, ...]:
    return (
        get_refresh_token_model(),
        get_access_token_model(),
        get_grant_model(),
        get_id_token_model(),
    )


def _revoke_once(filters: dict[Any, dict[str, Any]]) -> int:
    refresh, access, *others = filters
    with transaction.atomic(using=router.db_for_write(access)):
        found = _revoke_pairs(filters[refresh], filters[access])
        return found + sum(_delete(model, filters[model]) for model in others)


def _revoke_pairs(of_refresh: dict[str, Any], of_access: dict[str, Any]) -> int:
    """Revoke refresh tokens first, because a running rotation locks them. Then access tokens."""
    model: Any = get_refresh_token_model()
    database = router.db_for_write(model)
    live = model._base_manager.using(database).filter(**of_refresh, revoked__isnull=True)
    try:
        with transaction.atomic(using=database):
            revoked: int = live.update(**_revoked_now())
    except IntegrityError:
        # Two live rows may have the same checksum. Both cannot be revoked at the same time.
        pks = list(live.values_list("pk", flat=True))
        revoked = sum(live.filter(pk=pk).update(**_revoked_now()) for pk in pks)
    return revoked + _delete(get_access_token_model(), of_access)


def _revoked_now() -> dict[str, Any]:
    now = timezone.now()
    return {"revoked": now, "updated": now, "access_token": None}


def _delete(model: Any, which: dict[str, Any]) -> int:
    return int(model._base_manager.filter(**which).delete()[1].get(model._meta.label, 0))
