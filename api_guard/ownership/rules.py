"""An object rule, as a Q, as a narrower queryset and as the answer for one object."""

from __future__ import annotations

import logging
from typing import Any

from django.db.models import Manager, Model, Q, QuerySet

from api_guard.core.caller import Caller
from api_guard.core.policy import ANY_OBJECT, ObjectRule
from api_guard.exceptions import RuleFailed
from api_guard.ownership.owners import leads_to_user, owner_field

logger = logging.getLogger("api_guard")

NO_OBJECT = Q(pk__in=[])


def restriction(rule: ObjectRule, caller: Caller, model: type[Model]) -> Q | None:
    """Return what `rule` leaves of a model to `caller`; None for all of it.

    What is not said is nothing: an empty Q, None and whatever else a function returns.
    """
    narrowed = _by_function(rule, caller)
    if rule.owner is None:
        return narrowed
    lookup = leads_to_user(model, rule.owner)
    # NULL = NULL must never make an owner: a caller without a user owns nothing.
    if lookup is None or caller.user_id is None or narrowed is NO_OBJECT:
        return NO_OBJECT
    own = Q(**{lookup: caller.user_id})
    return own if narrowed is None else own & narrowed


def _by_function(rule: ObjectRule, caller: Caller) -> Q | None:
    if rule.narrow is None:
        # With an owner there is nothing to add; without one, nothing was said.
        return None if rule.owner is not None else NO_OBJECT
    said = rule.narrow(caller) if callable(rule.narrow) else rule.narrow
    if said is ANY_OBJECT:
        return None
    return said if isinstance(said, Q) and not _is_empty(said) else NO_OBJECT


def _is_empty(said: Any) -> bool:
    """Whether a Q asks for nothing, as one that is composed of empty ones does."""
    return isinstance(said, Q) and all(_is_empty(child) for child in said.children)


def is_of(instance: object, model: type[Model] | None) -> bool:
    """Whether `instance` is of `model`, of a parent or of a child of it."""
    # __class__, because request.user is a lazy object.
    cls = instance.__class__
    return model is None or issubclass(cls, model) or issubclass(model, cls)


def narrow(queryset: Any, rule: ObjectRule, caller: Caller) -> Any:
    """Return the part of `queryset` that `rule` leaves to `caller`. Raises RuleFailed."""
    if isinstance(queryset, Manager):
        queryset = queryset.all()
    if not isinstance(queryset, QuerySet):
        # Any list will do where all is allowed.
        return (
            queryset if _by_function(rule, caller) is None and not rule.owner else _fail(queryset)
        )
    allowed = restriction(rule, caller, queryset.model)
    if allowed is None:
        return queryset
    if queryset.query.combinator or queryset.query.is_sliced:
        return _fail(queryset)
    if allowed is NO_OBJECT:
        return queryset.none()
    if rule.narrow is None and owner_field(queryset.model, rule) is not None:
        return queryset.filter(allowed)
    # A subquery on the primary key, so that a join of the rule doubles no row and meets no filter
    # of the view.
    inside = queryset.model._base_manager.using(queryset.db).filter(allowed).values("pk")
    return queryset.filter(pk__in=inside)


def _fail(queryset: Any) -> Any:
    logger.error(
        "get_queryset() or filter_queryset() gave %s, which an object rule cannot narrow: "
        "return a queryset that is neither sliced nor a union.",
        type(queryset).__name__,
    )
    raise RuleFailed


def covers(instance: Model, rule: ObjectRule, caller: Caller) -> bool:
    """Whether the stored `instance` is one that `rule` leaves to `caller`."""
    model = instance._meta.model
    allowed = restriction(rule, caller, model)
    if allowed is None:
        return True
    if allowed is NO_OBJECT or instance.pk is None:
        return False
    stored = model._base_manager.using(instance._state.db).filter(pk=instance.pk)
    return stored.filter(allowed).exists()


def covers_written(instance: Model, rule: ObjectRule, caller: Caller) -> bool:
    """Whether the `instance` that `save()` just wrote is one that `rule` leaves to `caller`."""
    field = owner_field(instance._meta.model, rule)
    if rule.narrow is None and field is not None and caller.user_id is not None:
        # What is in memory is what was written, so that the plain case costs no query.
        return getattr(instance, field.attname) == caller.user_id or covers(instance, rule, caller)
    return covers(instance, rule, caller)
