"""Which of a model's fields an expression, a constraint or a generated column speaks of."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.db.models import GeneratedField, Model


def base_fields(model: type[Model], names: Iterable[str]) -> frozenset[str]:
    """Return these names of fields; of a generated one, the names that it is reckoned from too."""
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
    """Return the names of the model's own fields that an expression or a Q speaks of."""
    # The walk that Django's own checks of constraints take.
    return [path[0] for path in Model._get_expr_references(expression)]  # type: ignore[attr-defined]


def fields_of_constraint(constraint: Any) -> list[str]:
    """Return the names of the fields that a constraint of a model speaks of, but for its WHERE."""
    names = list(getattr(constraint, "fields", ()))
    spoken = [*getattr(constraint, "expressions", ())]
    # Of an exclusion constraint, pairs of an expression and an operator.
    spoken = [each[0] if isinstance(each, (list, tuple)) else each for each in spoken]
    if not names and not spoken:
        spoken = [getattr(constraint, "condition", None)]
    for each in spoken:
        names += [each] if isinstance(each, str) else references_of(each)
    return names
