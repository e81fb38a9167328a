"""The rows that were being saved, and their values that do not fit their columns."""

from __future__ import annotations

import datetime
import json
import re
import uuid
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from types import FrameType
from typing import Any

from django.core.exceptions import ValidationError
from django.db import connections, router
from django.db.models import NOT_PROVIDED, BinaryField, Field, GeneratedField, JSONField, Model

from api_guard.input.client_errors.columns import base_fields
from api_guard.input.client_errors.frames import local, module_of
from api_guard.input.client_errors.readings import is_equal

_NOT_TEXT = re.compile("[\x00\ud800-\udfff]")
_LARGEST = 2**63
_MOST_ROWS = 1000
_MANY = frozenset({"bulk_create", "bulk_update"})
# Field.validate() checks these for forms. Databases do not.
_OF_FORMS = frozenset({"blank", "invalid_choice", "null"})
# Values that fit into every column of their type.
_SMALL = 2**15
_YEARS = range(1001, 9999)


@dataclass(frozen=True)
class Cell:
    """One value of a row. `names` are the names under which a client may have sent it.

    `is_left` means that the request did not set it: it is the default or the stored value.
    """

    field: Field[Any, Any]
    value: object
    is_left: bool

    @property
    def names(self) -> tuple[str, str]:
        return self.field.name, self.field.attname

    @property
    def is_harmless(self) -> bool:
        """Whether this value fits into every column of its type."""
        value = self.value
        if value is None:
            return True
        if hasattr(self.field, "base_field"):
            return False  # a range or an array consists of several values
        if isinstance(value, bool):
            return not isinstance(self.field, BinaryField)
        if isinstance(value, (uuid.UUID, Model)):
            return True
        if isinstance(value, int):
            return abs(value) < _SMALL
        return isinstance(value, (datetime.date, datetime.datetime)) and value.year in _YEARS


@dataclass(frozen=True)
class Row:
    """A row that was being saved, and the alias of its database."""

    instance: Model
    using: str
    # The names of the written fields, if only some are written.
    written: frozenset[str] | None = None
    # The fields that DRF's update() has set. All others have their stored values.
    changed: frozenset[str] | None = None

    def cells(self) -> Iterator[Cell]:
        """Yield the value of each column, except generated columns."""
        held = vars(self.instance)
        for field in self.instance._meta.concrete_fields:
            value = held.get(field.attname, NOT_PROVIDED)
            # Not by getattr(): it would fetch a deferred field, or raise.
            is_reckoned = isinstance(field, GeneratedField) or hasattr(value, "resolve_expression")
            if value is NOT_PROVIDED or is_reckoned or not self._is_written(field):
                continue
            yield Cell(field, value, self._is_left(field, value))

    def sources(self) -> frozenset[str]:
        """Return the names of the fields that generated columns are computed from."""
        fields = self.instance._meta.concrete_fields
        generated = (each.name for each in fields if isinstance(each, GeneratedField))
        return frozenset().union(*(base_fields(type(self.instance), {name}) for name in generated))

    def misfits(self) -> Iterator[Cell]:
        """Yield the cells whose values do not fit, by the model's own validation."""
        for cell in self.cells():
            # A stored value that does not fit was stored without an error.
            is_stored = cell.is_left and self.changed is not None
            if not is_stored and not self._fits(cell):
                yield cell

    def _fits(self, cell: Cell) -> bool:
        if cell.value is None:
            return True  # the database reports null itself
        field = cell.field
        # A default may have another type than the field.
        read = _said(lambda: field.to_python(cell.value))
        return not isinstance(read, _Misfit) and not any(
            isinstance(_said(judge), _Misfit)
            for judge in (
                lambda: field.run_validators(read),
                lambda: _validate(field, read, self.instance),
                lambda: _refuse_odd(field, read, self.using),
            )
        )

    def _is_written(self, field: Field[Any, Any]) -> bool:
        return self.written is None or not self.written.isdisjoint({field.name, field.attname})

    def _is_left(self, field: Field[Any, Any], value: object) -> bool:
        if self.changed is not None:
            return self.changed.isdisjoint({field.name, field.attname})
        default = field.default
        if not field.has_default():
            default = field.get_default()  # None, or the empty text
        elif callable(default):
            default = default() if default in (dict, list, set, str, int) else NOT_PROVIDED
        return is_equal(value, default)


def rows_in(frames: Iterable[FrameType]) -> list[Row]:
    """Return the rows that `save()` or `bulk_create()` was saving."""
    changed: frozenset[str] | None = None
    for frame in frames:
        module, function = module_of(frame), frame.f_code.co_name
        if module == "rest_framework.serializers" and function == "update":
            changed = frozenset(local(frame, "validated_data") or ())
        owner = local(frame, "self")
        if module == "django.db.models.base" and isinstance(owner, Model):
            written = local(frame, "update_fields")
            written = None if written is None else frozenset(written)
            return [Row(owner, _using(frame, owner), written, changed)]
        if module == "django.db.models.query" and function in _MANY:
            several = list(local(frame, "objs") or ())[:_MOST_ROWS]
            written = frozenset(map(str, local(frame, "fields") or ())) or None
            found = [each for each in several if isinstance(each, Model)]
            if function == "bulk_create":
                written = None
            return [Row(each, _using(frame, each), written) for each in found]
    return []


def is_odd(value: object) -> bool:
    """Whether `value` does not fit into any column of any database."""
    if isinstance(value, str):
        return _NOT_TEXT.search(value) is not None
    return isinstance(value, int) and abs(value) >= _LARGEST


def _using(frame: FrameType, instance: Model) -> str:
    said = local(frame, "using")
    return str(said or instance._state.db or router.db_for_write(type(instance)))


class _Misfit:
    """Marks a value that does not fit into its column."""


def _said(judge: Callable[[], object]) -> object:
    """Return the result of `judge`, a _Misfit, or None if the column itself fails."""
    try:
        return judge()
    except (ValidationError, ValueError, ArithmeticError, RecursionError):
        return _Misfit()
    except Exception:  # noqa: BLE001  # of values of another type, and of a project's own columns
        return None


def _refuse_odd(field: Field[Any, Any], value: object, using: str) -> None:
    prepared = field.get_db_prep_save(value, connections[using])
    if is_odd(prepared) or (isinstance(field, JSONField) and not _is_json(value)):
        raise ValueError


def _validate(field: Field[Any, Any], value: object, instance: Model) -> None:
    """Run the `validate()` of the field's class if it has its own, for example of an array."""
    own = type(field).validate
    # A foreign key would query the database, whose transaction may be broken.
    if own is Field.validate or field.is_relation:
        return
    try:
        field.validate(value, instance)
    except ValidationError as error:
        if getattr(error, "code", None) not in _OF_FORMS:
            raise


def _is_json(value: object) -> bool:
    text = json.dumps(value, allow_nan=False, default=str)
    return "\\u0000" not in text and "\\ud" not in text
