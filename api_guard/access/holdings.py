"""Reads a token and the grants that its caller will need, in one query."""

from __future__ import annotations

from typing import Any

from django.db import models

from api_guard import grants, tokens
from api_guard.models.grantees import user_model

# Attributes of DRF's request, which belongs to one view: what the view will ask, and what was
# found.
_ASKED = "_api_guard_asked"
_FOUND = "_api_guard_held"
# The names of the user's and the client's primary keys in a query of tokens.
_GRANTEES = ("user__pk", "application__pk")


def ask(request: Any, asked: grants.Asked) -> None:
    """Note, before authentication, which scopes and rates the view will ask about."""
    vars(request)[_ASKED] = asked


def forget(request: Any) -> None:
    """Forget what was found. Later questions are looked up again."""
    known: Any = vars(request)
    known.pop(_ASKED, None)
    known.pop(_FOUND, None)


def find_token(request: Any, token: str) -> Any:
    """Return the access token with its user and its client, or None.

    The same query reads the scopes and rates from `ask` and keeps them for `held`.
    """
    asked = getattr(request, _ASKED, None)
    if asked is None:
        return tokens.find(token)
    beside = grants.Beside.of(asked, user_model(), _GRANTEES, tokens.database())
    if beside is None:
        return tokens.find(token)
    found, columns = tokens.find_beside(token, beside, beside.values(asked))
    if found is not None:
        vars(request)[_FOUND] = beside.read(asked, found.user, found.application_id, columns)
    return found


def held(request: Any, user: models.Model | None, client_id: object) -> grants.Held | None:
    """Return what was found with the token if it belongs to this caller, or None."""
    found: grants.Held | None = vars(request).get(_FOUND)
    if found is None or found.user is not user or found.client_id != client_id:
        return None
    return found
