"""Checks unique values for all rows of a list with few queries."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import reduce
from operator import or_
from typing import Any, ClassVar

from django.db import DataError
from django.db.models import Q
from rest_framework.exceptions import ValidationError
from rest_framework.serializers import BaseSerializer, ListSerializer
from rest_framework.settings import api_settings
from rest_framework.validators import UniqueTogetherValidator, UniqueValidator

# The number of values, or of sets of values, in one query. SQLite limits the size of an expression.
_VALUES, _PAIRS = 500, 100


@dataclass
class _Later(ABC):
    """Replaces a validator: collects the values, to check many rows together."""

    validator: Any
    path: tuple[str, ...]
    at: Callable[[], int]
    waiting: list[tuple[int, Any, Any]] = field(default_factory=list)
    requires_context: ClassVar[bool] = True
    # The number of rows that one query checks.
    size: ClassVar[int]

    def keep(self, value: Any, asked: Any) -> None:
        self.waiting.append((self.at(), value, asked))

    def refused(self, most: int) -> Iterator[tuple[int, Any]]:
        """Yield the positions and errors of at most `most` rows that the validator refuses."""
        found = 0
        for start in range(0, len(self.waiting), self.size):
            for place, error in self._refused_in(self.waiting[start : start + self.size]):
                yield place, error
                found += 1
                if found >= most:
                    return

    def _refused_in(self, rows: list[tuple[int, Any, Any]]) -> Iterator[tuple[int, Any]]:
        if not self._may_be_refused(rows):
            return
        if len(rows) > 1:
            half = len(rows) // 2
            yield from self._refused_in(rows[:half])
            yield from self._refused_in(rows[half:])
            return
        [(place, value, asked)] = rows
        try:
            self.validator(value, asked)
        except ValidationError as error:
            yield place, error.detail

    def _may_be_refused(self, rows: list[tuple[int, Any, Any]]) -> bool:
        try:
            return bool(self.validator.queryset.filter(self.condition(rows)).exists())
        except (TypeError, ValueError, DataError):
            return True  # one of the values is invalid, and the validator decides about it

    @abstractmethod
    def condition(self, rows: list[tuple[int, Any, Any]]) -> Q:
        """Return the condition for existing rows that conflict with `rows`."""


class _LaterValue(_Later):
    size = _VALUES

    def __call__(self, value: Any, asked: Any) -> None:
        if getattr(asked.parent, "instance", None) is not None:
            self.validator(value, asked)
            return
        self.keep(value, asked)

    def condition(self, rows: list[tuple[int, Any, Any]]) -> Q:
        name = rows[0][2].source_attrs[-1]
        return Q(**{f"{name}__in": [value for _, value, _ in rows]})


class _LaterTogether(_Later):
    size = _PAIRS

    def __call__(self, attrs: Any, serializer: Any) -> None:
        self.validator.enforce_required_fields(attrs, serializer)
        held = self._held(attrs, serializer)
        if getattr(serializer, "instance", None) is not None or None in held.values():
            self.validator(attrs, serializer)
            return
        self.keep(dict(attrs), serializer)

    def condition(self, rows: list[tuple[int, Any, Any]]) -> Q:
        return reduce(or_, (Q(**self._held(attrs, asked)) for _, attrs, asked in rows))

    def _held(self, attrs: Any, serializer: Any) -> dict[str, Any]:
        sources = (serializer.fields[name].source for name in self.validator.fields)
        return {source: attrs.get(source) for source in sources}


@contextmanager
def asked_later(child: Any, at: Callable[[], int]) -> Iterator[list[_Later]]:
    """Delay the database checks of the validators of `child`. `at` returns the current row."""
    later: list[_Later] = []
    replaced: list[tuple[Any, list[Any]]] = []
    try:
        for path, grantee in _grantees(child):
            own = list(grantee.validators)
            found = [_put_off(validator, path, at) for validator in own]
            if any(found):
                replaced.append((grantee, own))
                pairs = zip(own, found, strict=True)
                grantee.validators = [kept or validator for validator, kept in pairs]
                later += [kept for kept in found if kept is not None]
        yield later
    finally:
        for grantee, own in replaced:
            grantee.validators = own


def errors_of(later: list[_Later], most: int) -> dict[int, Any]:
    """Return the errors of the rows that are not unique, by position, of about `most` rows."""
    errors: dict[int, Any] = {}
    for each in later:
        for place, detail in each.refused(most - len(errors)) if len(errors) < most else ():
            inner = errors.setdefault(place, {})
            *above, last = each.path or (str(api_settings.NON_FIELD_ERRORS_KEY),)
            for name in above:
                inner = inner.setdefault(name, {})
            inner.setdefault(last, []).extend(detail)
    return errors


def _grantees(serializer: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Yield a serializer, its fields and the fields of nested serializers, with their paths."""
    own = (*path, str(api_settings.NON_FIELD_ERRORS_KEY)) if path else ()
    yield own, serializer
    for name, inner in getattr(serializer, "fields", {}).items():
        if inner.read_only:
            continue
        if isinstance(inner, BaseSerializer) and not isinstance(inner, ListSerializer):
            yield from _grantees(inner, (*path, name))
        else:
            yield (*path, name), inner


def _put_off(validator: Any, path: tuple[str, ...], at: Callable[[], int]) -> _Later | None:
    # Not for subclasses: they may check more.
    if type(validator) is UniqueValidator and validator.lookup == "exact":
        return _LaterValue(validator, path, at)
    is_plain = getattr(validator, "condition", None) is None
    if type(validator) is UniqueTogetherValidator and is_plain:
        return _LaterTogether(validator, path, at)
    return None
