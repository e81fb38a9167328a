"""An object rule, as a Q and as a narrower queryset."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import Any

from django.core.exceptions import FieldDoesNotExist
from django.db.models import Manager, Model, Q, QuerySet

from api_guard.access.endpoints.owners import leads_to_user
from api_guard.access.ownership.marks import Mark, is_marked, put_mark
from api_guard.core.caller import Caller
from api_guard.core.objects import ANY_OBJECT, AnyObject, ObjectRule, takes_request
from api_guard.exceptions import RuleFailed

logger = logging.getLogger("api_guard")

NO_OBJECT = Q(pk__in=[])


def restriction(rule: ObjectRule, caller: Caller, model: type[Model], request: Any) -> Q | None:
    """Return the condition of the objects of a model that `rule` allows `caller`; None for all.

    An empty Q, None, or any other value that is not a Q allows no object. Raises RuleFailed for a Q
    that compares with None.
    """
    narrowed = _by_function(rule, caller, request)
    if rule.owner is None:
        return narrowed
    lookup = leads_to_user(model, rule.owner)
    # NULL = NULL must never make an owner: a caller without a user owns nothing.
    if lookup is None or caller.user_id is None or narrowed is NO_OBJECT:
        return NO_OBJECT
    own = Q(**{lookup: caller.user_id})
    return own if narrowed is None else own & narrowed


def _by_function(rule: ObjectRule, caller: Caller, request: Any) -> Q | None:
    if rule.narrow is None:
        # With an owner this adds nothing; without one it is not an answer.
        return None if rule.owner is not None else NO_OBJECT
    if isinstance(rule.narrow, AnyObject):
        return None
    said = rule.narrow(caller, request) if takes_request(rule.narrow) else rule.narrow(caller)
    if said is ANY_OBJECT:
        return None
    if not isinstance(said, Q) or _is_empty(said):
        return NO_OBJECT
    _refuse_none(said)
    return said


def _is_empty(said: Any) -> bool:
    """Whether a Q has no condition, also if it is composed of empty ones."""
    return isinstance(said, Q) and all(_is_empty(child) for child in said.children)


def _refuse_none(said: Q) -> None:
    """Refuse `author=None`, which Django reads as "has no author"."""
    for name, value in _conditions(said):
        if value is None:
            logger.error(
                "An object rule compares %s with None, which means IS NULL: refused. Return "
                "Q(pk__in=[]) for a caller without a user, and write %s__isnull=True if an "
                "empty field is intended.",
                name,
                name.removesuffix("__exact").removesuffix("__iexact"),
            )
            raise RuleFailed


def _conditions(said: Q) -> Iterator[tuple[str, Any]]:
    for child in said.children:
        if isinstance(child, Q):
            yield from _conditions(child)
        elif isinstance(child, tuple):
            yield child


def narrow(queryset: Any, rule: ObjectRule, allowed: Q | None, mark: Mark) -> Any:
    """Return the part of `queryset` that `rule` allows, with `allowed` as its condition.

    A queryset that this rule has already narrowed stays as it is. Raises RuleFailed.
    """
    if isinstance(queryset, Manager):
        queryset = queryset.all()
    if not isinstance(queryset, QuerySet):
        # If everything is allowed, any list is allowed.
        return queryset if allowed is None else _fail(queryset)
    if allowed is None or is_marked(queryset.query, rule.key):
        return queryset
    if allowed is NO_OBJECT:
        return queryset.none()
    if queryset.query.combinator or queryset.query.is_sliced:
        return _fail(queryset)
    if is_plain(queryset, allowed):
        return put_mark(queryset.filter(allowed), mark)
    # A subquery on the primary key: a join of the rule must not repeat rows or meet a filter
    # of the view.
    inside = queryset.model._base_manager.filter(allowed).values("pk")
    return put_mark(queryset.filter(pk__in=inside), mark)


def is_plain(queryset: QuerySet[Any], allowed: Q) -> bool:
    """Whether a condition can be used in a queryset directly."""
    query: Any = queryset.query
    taken = {*query.annotations, *query._filtered_relations}
    names = [name for name, _ in _conditions(allowed)]
    is_taken = any(name == each or name.startswith(f"{each}__") for name in names for each in taken)
    return not is_taken and not joins_many(queryset.model, allowed)


def joins_many(model: type[Model], allowed: Q) -> bool:
    """Whether a condition may join several rows to one row."""
    return (
        not all(isinstance(child, (Q, tuple)) for child in _children(allowed))
        or any(_is_expression(value) for _, value in _conditions(allowed))
        or not all(_is_single(model, name) for name, _ in _conditions(allowed))
    )


def _is_expression(value: object) -> bool:
    return hasattr(value, "resolve_expression") and not isinstance(value, QuerySet)


def _children(said: Q) -> Iterator[Any]:
    for child in said.children:
        yield child
        if isinstance(child, Q):
            yield from _children(child)


def _is_single(model: type[Model], lookup: str) -> bool:
    """Whether a lookup only follows foreign keys."""
    found: Any = model
    for name in lookup.split("__"):
        if name == "pk":
            return True
        try:
            field = found._meta.get_field(name)
        except FieldDoesNotExist:
            return True  # a transform or a lookup of the previous field
        if field.one_to_many or field.many_to_many:
            return False
        if field.related_model is None:
            return True
        found = field.related_model
    return True


def _fail(queryset: Any) -> Any:
    logger.error(
        "get_queryset() or filter_queryset() gave %s, which an object rule cannot narrow: "
        "return a queryset that is neither sliced nor a union.",
        type(queryset).__name__,
    )
    raise RuleFailed
