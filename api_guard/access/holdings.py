"""Reads a token together with what its caller is about to be asked for, in one query."""

from __future__ import annotations

from typing import Any

from django.contrib.auth import get_user_model
from django.db import models

from api_guard import grants, tokens

# On a request of DRF, which is of one view: what its caller will be asked, and what was found.
_ASKED = "_api_guard_asked"
_FOUND = "_api_guard_held"
# What a query of tokens calls the primary keys of the user and of the client.
_GRANTEES = ("user__pk", "application__pk")


def ask(request: Any, asked: grants.Asked) -> None:
    """Say what the caller of `request` is about to be asked for, before it is authenticated."""
    vars(request)[_ASKED] = asked


def forget(request: Any) -> None:
    """Let nobody else use what was found: what is asked later is looked up then."""
    known: Any = vars(request)
    known.pop(_ASKED, None)
    known.pop(_FOUND, None)


def find_token(request: Any, token: str) -> Any:
    """Return the access token with its user and its client; None where there is none.

    What was asked about its caller is read in the same query, and kept for `held`.
    """
    asked = getattr(request, _ASKED, None)
    if asked is None:
        return tokens.find(token)
    beside = grants.Beside.of(asked, get_user_model(), _GRANTEES, tokens.database())
    if beside is None:
        return tokens.find(token)
    found, columns = tokens.find_beside(token, beside, beside.values(asked))
    if found is not None:
        vars(request)[_FOUND] = beside.read(asked, found.user, found.application_id, columns)
    return found


def held(request: Any, user: models.Model | None, client_id: object) -> grants.Held | None:
    """Return what was found with the token, where that is this caller's; None otherwise."""
    found: grants.Held | None = vars(request).get(_FOUND)
    if found is None or found.user is not user or found.client_id != client_id:
        return None
    return found
