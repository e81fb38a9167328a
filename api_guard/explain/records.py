"""Makes a question of the record of a decision."""

from __future__ import annotations

from typing import Any

from django.contrib.auth import get_user_model
from django.db import models, router

from api_guard import conf
from api_guard.core.decision_records import DecisionRecord
from api_guard.core.scopes import Credential
from api_guard.explain.said import Question
from api_guard.models import ScopeGrant

_TOKENS = (Credential.TOKEN.value, Credential.PERSONAL.value)


def question_of(record: DecisionRecord, *, runs_functions: bool) -> Question:
    """Return what was asked then, to be decided now. Raises LookupError.

    A line does not say what a token carries: it is taken to carry every declared scope but for
    those that the line says it lacks.
    """
    client_model: Any = ScopeGrant._meta.get_field("client").related_model
    is_token = record.credential in _TOKENS
    lacking = frozenset(record.token_lacks or ())
    return Question(
        record.method,
        record.path,
        user=_named(get_user_model(), record.user, "user"),
        client=_named(client_model, record.client, "client"),
        scopes=frozenset(conf.scopes()) - lacking if is_token else None,
        runs_functions=runs_functions,
    )


def _named(model: Any, key: str | None, kind: str) -> models.Model | None:
    if key is None:
        return None
    rows = model._base_manager.using(router.db_for_write(model))
    found: models.Model | None = rows.filter(pk=key).first()
    if found is None:
        raise LookupError(f"The {kind} {key} does not exist any more.")
    return found
