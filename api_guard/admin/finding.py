"""Finds users, groups and clients for the access page."""

from __future__ import annotations

from dataclasses import dataclass
from functools import reduce
from operator import or_
from typing import Any

from django.contrib.admin.utils import unquote
from django.core.exceptions import ObjectDoesNotExist, ValidationError
from django.db import models
from django.db.models import Q
from django.http import Http404

from api_guard import grants
from api_guard.admin.grantees import LEAST_LETTERS, MOST_WORDS, display_name, model_of
from api_guard.models import GRANTEES

_MOST = 20


@dataclass(frozen=True)
class Found:
    """A user, a group or a client. `beside` tells it from others with the same name."""

    kind: str
    row: Any
    name: str
    beside: str
    is_active: bool


def grantee_at(kind: str, key: str) -> models.Model:
    """Return the user, group or client with a quoted primary key. Raises Http404."""
    if kind not in GRANTEES:
        raise Http404(f"There is no kind {kind!r} of grantee.")
    rows = model_of(kind)._default_manager.using(grants.database())
    try:
        found: models.Model = rows.get(pk=unquote(key))
    except (ObjectDoesNotExist, ValidationError, ValueError, OverflowError):
        raise Http404(f"There is no {kind} {key!r}.") from None
    return found


def find(term: str, kinds: tuple[str, ...], *, by_mail: bool) -> tuple[list[Found], bool]:
    """Return the grantees that match each word, and whether there are more.

    A user is found by its e-mail address only `by_mail`, and shown with it.
    """
    found: list[Found] = []
    is_more = False
    for kind in kinds if len(term) >= LEAST_LETTERS else ():
        rows = list(matching(kind, term, by_mail=by_mail)[: _MOST + 1])
        is_more = is_more or len(rows) > _MOST
        found += [as_found(kind, row, by_mail=by_mail) for row in rows[:_MOST]]
    return found, is_more


def as_found(kind: str, row: Any, *, by_mail: bool) -> Found:
    """Describe a user, a group or a client."""
    beside = str(row.client_id) if kind == "client" else ""
    if kind == "user" and by_mail:
        beside = str(getattr(row, _mail(type(row)), "") or "")
    return Found(kind, row, display_name(row), beside, getattr(row, "is_active", True) is True)


def matching(kind: str, term: str, *, by_mail: bool) -> models.QuerySet[Any]:
    """Return the users, groups or clients whose name contains each word."""
    model = model_of(kind)
    names = {
        "user": (model.USERNAME_FIELD, "first_name", "last_name") if kind == "user" else (),
        "group": ("name",),
        "client": ("name", "client_id"),
    }[kind]
    if kind == "user" and by_mail:
        names = (*names, _mail(model))
    known = {field.name for field in model._meta.concrete_fields}
    columns = [name for name in dict.fromkeys(names) if name in known]
    rows: models.QuerySet[Any] = model._default_manager.using(grants.database())
    for word in term.split()[:MOST_WORDS]:
        rows = rows.filter(reduce(or_, (Q(**{f"{name}__icontains": word}) for name in columns)))
    return rows.order_by(columns[0], "pk")


def _mail(model: Any) -> str:
    named: Any = getattr(model, "get_email_field_name", None)
    return str(named()) if callable(named) else "email"
