"""Marks a queryset that an object rule has narrowed, and checks the objects that it yields."""

from __future__ import annotations

import copyreg
from collections.abc import Iterator
from functools import cache
from typing import Any, NoReturn, Protocol

from django.core.exceptions import FullResultSet
from django.db.models import BooleanField, Expression, Model, QuerySet
from django.db.models.query import ModelIterable
from django.db.models.sql import Query
from django.db.models.sql.where import AND


class Vets(Protocol):
    """Receives the objects of a narrowed queryset."""

    def remember(self, rule_key: object, instance: Model) -> None:
        """Accept `instance` as an object of the caller."""


class Mark(Expression):
    """A condition that adds nothing to the SQL. It shows that an object rule is applied beside it.

    Every copy of the queryset has it. After pickling, for example in a cache, the mark means
    nothing, because there is no request.
    """

    output_field = BooleanField()

    def __init__(self, rule_key: object = None, vets: Vets | None = None) -> None:
        super().__init__()
        self.rule_key = rule_key
        self.vets = vets

    def as_sql(self, compiler: Any, connection: Any) -> NoReturn:
        """Add no condition."""
        del compiler, connection
        raise FullResultSet

    def __reduce__(self) -> tuple[Any, ...]:
        return Mark, ()


def put_mark(queryset: QuerySet[Any], mark: Mark) -> QuerySet[Any]:
    """Mark a queryset that was just narrowed, and check the objects that it yields."""
    queryset.query.where.add(mark, AND)
    iterable: Any = queryset._iterable_class
    if issubclass(iterable, ModelIterable):
        queryset._iterable_class = _vetted(iterable)
    return queryset


def is_marked(query: Query, rule_key: object) -> bool:
    """Whether every row of `query` must meet the condition of this rule."""
    return any(mark.rule_key == rule_key for mark in _marks(query))


def _marks(query: Query) -> list[Mark]:
    """Return the marks of conditions that hold for every row.

    A condition that was negated, or is one side of an OR, does not hold for every row.
    """
    if query.combinator:
        # A combined query takes rows from all its queries, so the first query's condition is not
        # enough.
        first, *others = map(_marks, query.combined_queries)
        keys = [{mark.rule_key for mark in marks} for marks in others]
        return [mark for mark in first if all(mark.rule_key in each for each in keys)]
    where = query.where
    if where.negated or where.connector != AND:
        return []
    return [child for child in where.children if isinstance(child, Mark)]


class _Vetted(type):
    """The metaclass of the classes below. With it, pickle finds their original classes."""


@cache
def _vetted(iterable: Any) -> Any:
    if isinstance(iterable, _Vetted):
        return iterable

    def iterate(self: Any) -> Iterator[Any]:
        marks = _marks(self.queryset.query)
        for instance in iterable.__iter__(self):
            for mark in marks:
                if mark.vets is not None:
                    mark.vets.remember(mark.rule_key, instance)
            yield instance

    return _Vetted(iterable.__name__, (iterable,), {"__iter__": iterate, "original": iterable})


def _original(iterable: Any) -> Any:
    return iterable


def _pickled(iterable: Any) -> Any:
    return _original, (iterable.original,)


copyreg.pickle(_Vetted, _pickled)
