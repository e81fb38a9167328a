"""Judges what a database refused: which values of a statement did it, and whose they are."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from types import FrameType
from typing import Any

from django.core.exceptions import ValidationError
from django.db import DataError, IntegrityError, connections, router
from django.db.models import JSONField, Model, Q

from api_guard.blame.constraints import broken_constraint
from api_guard.blame.frames import local, module_of
from api_guard.blame.sent import Sent

_EXECUTES = frozenset({"execute", "executemany", "_execute", "_executemany"})
_NOT_TEXT = re.compile("[\x00\ud800-\udfff]")
_LARGEST = 2**63
# What MySQL says of an integer past its column, and Django takes for a constraint.
_OUT_OF_RANGE = 1690


def statement_in(frames: Iterable[FrameType]) -> Any:
    """Return the parameters of the statement that failed; None where none was running."""
    for frame in frames:
        if module_of(frame).startswith("django.db.backends") and frame.f_code.co_name in _EXECUTES:
            return local(frame, "params", "param_list") or ()
    return None


def is_data_sent(error: Exception, params: Any, frames: list[FrameType], sent: Sent) -> bool:
    """Whether the values that a database could not take are the client's."""
    instance = _instance_in(frames)
    if instance is not None:
        misfits = list(_misfits(instance))
        if misfits:
            return all(sent.holds_as(names, value) for names, value in misfits)
    flat = list(_flat(params))
    odd = [value for value in flat if _is_odd(value)]
    if odd or not (isinstance(error, DataError) or is_out_of_range(error)):
        return bool(odd) and all(map(sent.holds, odd))
    # A DataError names no value. What a constant of the view does, it does to every client.
    return instance is None and any(map(sent.holds, flat))


def is_out_of_range(error: Exception) -> bool:
    """Whether a database says of a number that no column holds it."""
    return error.args[:1] == (_OUT_OF_RANGE,)


def is_integrity_sent(error: IntegrityError, frames: list[FrameType], sent: Sent) -> bool:
    """Whether a constraint was broken by what the client sent."""
    instance = _instance_in(frames)
    broken = broken_constraint(error)
    if instance is None:
        return any(map(sent.holds, broken.values))
    if broken.kind == "check":
        misfits = list(_misfits(instance)) or list(_checked(instance, broken.name))
        return bool(misfits) and all(sent.holds_as(names, value) for names, value in misfits)
    columns = broken.columns_in(type(instance))
    named = [
        ((field.name, field.attname), getattr(instance, field.attname))
        for field in instance._meta.concrete_fields
        if field.column in columns
    ]
    if broken.kind == "null":
        # The one value that says nothing by itself: it has to be there by name.
        return bool(named) and all(sent.holds_as(names, None) for names, _ in named)
    return any(value is not None and sent.holds_as(names, value) for names, value in named)


def _instance_in(frames: Iterable[FrameType]) -> Model | None:
    """Return the instance whose `save()` was running."""
    for frame in frames:
        owner = local(frame, "self")
        if module_of(frame) == "django.db.models.base" and isinstance(owner, Model):
            return owner
    return None


def _misfits(instance: Model) -> Iterator[tuple[tuple[str, str], object]]:
    """Yield the fields whose values are none that the column takes, by the model's own account."""
    connection = connections[instance._state.db or router.db_for_write(type(instance))]
    for field in instance._meta.concrete_fields:
        value = getattr(instance, field.attname)
        if hasattr(value, "resolve_expression"):
            continue  # the database reckons it
        try:
            field.run_validators(value)
            fits = not _is_odd(field.get_db_prep_save(value, connection))
            fits = fits and (not isinstance(field, JSONField) or _is_json(value))
        except (ValidationError, ValueError, OverflowError, RecursionError):
            fits = False
        if not fits:
            yield (field.name, field.attname), value


def _is_json(value: object) -> bool:
    text = json.dumps(value, allow_nan=False, default=str)
    return "\\u0000" not in text and "\\ud" not in text


def _checked(instance: Model, name: str) -> Iterator[tuple[tuple[str, str], object]]:
    """Yield the fields that a check constraint of this name speaks of."""
    for constraint in instance._meta.constraints:
        condition = getattr(constraint, "condition", None)
        if constraint.name != name or condition is None:
            continue
        spoken = Q(condition).referenced_base_fields
        for field in instance._meta.concrete_fields:
            if field.name in spoken:
                yield (field.name, field.attname), getattr(instance, field.attname)


def _flat(params: Any) -> Iterator[object]:
    for value in params.values() if isinstance(params, dict) else params:
        if isinstance(value, (list, tuple)):
            yield from _flat(value)
        else:
            # What a driver wraps, as JSON is.
            yield getattr(value, "obj", value)


def _is_odd(value: object) -> bool:
    """Whether no column of any database takes `value`."""
    if isinstance(value, str):
        return _NOT_TEXT.search(value) is not None
    return isinstance(value, int) and abs(value) >= _LARGEST
