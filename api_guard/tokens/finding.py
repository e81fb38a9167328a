"""Finds an access token, with its user and its client, in one query."""

from __future__ import annotations

import hashlib
import re
from functools import cache
from typing import Any

from django.db import router
from django.db.models import QuerySet
from oauth2_provider.models import get_access_token_model

from api_guard.statements import Parameter, Statement

# RFC 6750 §2.1: b64token = 1*( ALPHA / DIGIT / "-" / "." / "_" / "~" / "+" / "/" ) *"="
_TOKEN = re.compile(r"[A-Za-z0-9._~+/-]+=*", re.ASCII)
_LONGEST = 4096


def is_well_formed(token: str) -> bool:
    """Whether `token` could be a bearer token at all."""
    return len(token) <= _LONGEST and _TOKEN.fullmatch(token) is not None


def checksum(token: str) -> str:
    """Return what the database knows a well-formed token by."""
    return hashlib.sha256(token.encode("ascii")).hexdigest()


def find(token: str) -> Any:
    """Return the access token with its user and its client; None where there is none."""
    if not is_well_formed(token):
        return None
    token_model = get_access_token_model()
    user_model, client_model = (_model_at(token_model, name) for name in ("user", "application"))
    for row in _statement(token_model).rows({"checksum": checksum(token)}):
        found = _take(token_model, row)
        found.user, found.application = _take(user_model, row), _take(client_model, row)
        return found
    return None


@cache
def _statement(token_model: Any) -> Statement:
    def build() -> QuerySet[Any, Any]:
        names = [field.attname for field in token_model._meta.concrete_fields]
        for name in ("user", "application"):
            fields = _model_at(token_model, name)._meta.concrete_fields
            names += [f"{name}__{field.attname}" for field in fields]
        parameter = Parameter("checksum", token_model._meta.get_field("token_checksum"))
        tokens = token_model._default_manager.filter(token_checksum=parameter)
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
    return model.from_db(router.db_for_write(model), [f.attname for f in fields], values)
