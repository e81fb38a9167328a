"""Checks what a serializer shows: one object, a queryset, or other rows."""

from __future__ import annotations

import functools
from collections.abc import Iterable, Iterator
from typing import Any

from django.db.models import Manager, Model, QuerySet
from django.db.models.query import ModelIterable
from rest_framework.serializers import ListSerializer

from api_guard.access import ownership
from api_guard.access.failures import failures_as_refusals
from api_guard.access.vetting.reading import covered, is_in_event_loop, is_new, vet
from api_guard.access.vetting.record import Vetting
from api_guard.core.objects import ObjectRule
from api_guard.exceptions import HiddenObject


def vet_shown(vetting: Vetting, serializer: Any, *, is_read: bool = False) -> None:
    """Check what `serializer` shows, without a query if a rule has narrowed it.

    `is_read` means that the data is about to be read. Data that can be read only once is kept.
    """
    if vetting.rule is None:
        return
    shown = getattr(serializer, "instance", None)
    if isinstance(shown, Manager):
        shown = shown.all()
    if isinstance(shown, QuerySet):
        _vet_queryset(vetting, vetting.rule, shown)
        return
    if isinstance(serializer, ListSerializer) and isinstance(shown, Iterable):
        if isinstance(shown, Iterator):
            if not is_read:
                return
            shown = serializer.instance = list(shown)
        rows = list(shown)
    else:
        rows = list(shown) if isinstance(shown, (list, tuple)) else [shown]
    _vet_rows(vetting, rows)


def _vet_rows(vetting: Vetting, rows: Iterable[Any]) -> None:
    vet(vetting, *(row for row in rows if isinstance(row, Model) and not is_new(row)))


def _vet_queryset(vetting: Vetting, rule: ObjectRule, shown: QuerySet[Any]) -> None:
    if vetting.root(shown.model) is None or ownership.is_marked(shown.query, rule.key):
        return
    if is_in_event_loop():
        vetting.pending.append(functools.partial(_vet_queryset, vetting, rule, shown))
    elif _has_objects(shown):
        _vet_rows(vetting, shown)
    elif shown.query.group_by is None and not shown.query.combinator:
        # Rows as dictionaries or tuples. An aggregate of rows does not show an object.
        _vet_keys(vetting, rule, shown)


def _has_objects(shown: QuerySet[Any]) -> bool:
    iterable: Any = shown._iterable_class
    return issubclass(iterable, ModelIterable)


def _vet_keys(vetting: Vetting, rule: ObjectRule, shown: QuerySet[Any]) -> None:
    root: Any = vetting.root(shown.model)
    keys = list(shown.values_list(root._meta.pk.name, flat=True))
    with failures_as_refusals(vetting.view, "the object rule"):
        is_covered = covered(vetting, rule, root, keys, shown.db) >= set(keys)
    if not is_covered:
        raise HiddenObject
    vetting.has_run = vetting.has_vetted = True
