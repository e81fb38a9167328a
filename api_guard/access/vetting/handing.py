"""Finds columns in an UPDATE that give a row to another owner, or link it to a hidden row."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.db.models import Field, ForeignKey, Model

from api_guard.access.failures import failures_as_refusals
from api_guard.access.vetting.foreign_keys import link_fields
from api_guard.access.vetting.keeping import Written, leads_to_owner, may_be_left
from api_guard.access.vetting.links import is_hidden, refuse_hidden
from api_guard.access.vetting.record import Vetting
from api_guard.core.objects import ObjectRule
from api_guard.exceptions import OutsideYourObjects


def refuse_hand_over(
    vetting: Vetting, model: type[Model], sql: str, params: Any, connection: Any
) -> None:
    """Refuse an `update(author=…)` that gives rows away or links them to hidden rows.

    The CASE of a bulk_update() is not read. Raises OutsideYourObjects.
    """
    keep = vetting.keep
    for field, text, value in _assignments(model, sql, params, connection):
        with failures_as_refusals(vetting.view, "the object rule"):
            if keep is not None and leads_to_owner(model, keep, field):
                _refuse_owner(vetting, keep, field, text, value, connection)
            elif isinstance(field, ForeignKey) and text == "%s" and value is not None:
                _refuse_link(vetting, field, value)


def _assignments(
    model: type[Model], sql: str, params: Any, connection: Any
) -> Iterator[tuple[Field[Any, Any], str, Any]]:
    """Yield the foreign keys that are set, as `%s` with its value or as an expression."""
    values = sql.partition(" SET ")[2].partition(" WHERE ")[0]
    for field in link_fields(model):
        before, is_set, after = values.partition(f"{connection.ops.quote_name(field.column)} = ")
        if not is_set:
            continue
        if after.startswith("%s"):
            yield field, "%s", params[before.count("%s")]
        else:
            yield field, after, None


def _refuse_owner(
    vetting: Vetting,
    keep: ObjectRule,
    field: Field[Any, Any],
    text: str,
    value: Any,
    connection: Any,
) -> None:
    model: Any = vetting.model
    if text == "%s" or text.startswith("NULL"):
        target: Any = getattr(field, "target_field", field)
        instance = model(**{field.attname: None if value is None else target.to_python(value)})
        written = Written(instance, None, None, connection.alias, may_exist=False)
        is_kept = may_be_left(written, keep, None, model, vetting.caller.user_id) is not False
    else:
        # The column itself, as F("author") does, or the form of bulk_update().
        quote = connection.ops.quote_name
        itself = f"{quote(model._meta.db_table)}.{quote(field.column)}"
        is_kept = text.startswith(itself) or "CASE WHEN" in text[:12]
    if not is_kept:
        raise OutsideYourObjects


def _refuse_link(vetting: Vetting, field: ForeignKey[Any, Any], value: Any) -> None:
    model: Any = field.related_model
    column, name = field.target_field.name, field.name
    if name not in vetting.policy.related and is_hidden(vetting, model, column, [value]):
        refuse_hidden(vetting, model, name)
