"""Finds the fields of an expression, a constraint or a generated column."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.db.models import GeneratedField, Model


def base_fields(model: type[Model], names: Iterable[str]) -> frozenset[str]:
    """Return the names of these fields, and of the fields that generated ones are computed from."""
    known = {field.name: field for field in model._meta.concrete_fields}
    found: set[str] = set()
    waiting = list(names)
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            field = known.get(name)
            if isinstance(field, GeneratedField):
                waiting += references_of(getattr(field, "expression", None))
    return frozenset(found)


def references_of(expression: Any) -> list[str]:
    """Return the names of the model's own fields in an expression or a Q."""
    # Django's checks of constraints do the same.
    return [path[0] for path in Model._get_expr_references(expression)]  # type: ignore[attr-defined]


def fields_of_constraint(constraint: Any) -> list[str]:
    """Return the names of the fields of a constraint, without its condition."""
    names = list(getattr(constraint, "fields", ()))
    spoken = [*getattr(constraint, "expressions", ())]
    # An exclusion constraint has pairs of an expression and an operator.
    spoken = [each[0] if isinstance(each, (list, tuple)) else each for each in spoken]
    if not names and not spoken:
        spoken = [getattr(constraint, "condition", None)]
    for each in spoken:
        names += [each] if isinstance(each, str) else references_of(each)
    return names
