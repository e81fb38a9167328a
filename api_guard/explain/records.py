"""Turns the record of a decision back into a question."""

from __future__ import annotations

from typing import Any

from django.contrib.auth import get_user_model
from django.db import models, router
from django.utils.translation import gettext as _

from api_guard import conf
from api_guard.core.decision_records import DecisionRecord
from api_guard.core.scopes import Credential
from api_guard.explain.said import Question
from api_guard.models import ScopeGrant

_TOKENS = (Credential.TOKEN.value, Credential.PERSONAL.value)


def question_of(record: DecisionRecord, *, runs_functions: bool) -> Question:
    """Return the recorded request as a question, to decide it now. Raises LookupError.

    The record does not contain the scopes of a token. So the token is assumed to carry every
    declared scope, except those that the record says it lacks.
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
        said = {
            "user": _("The user %s does not exist any more."),
            "client": _("The client %s does not exist any more."),
        }
        raise LookupError(said[kind] % key)
    return found
