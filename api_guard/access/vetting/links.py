"""Checks that a saved object points only to rows that the caller may see."""

from __future__ import annotations

import logging
from typing import Any, NoReturn

from django.contrib.contenttypes.fields import GenericForeignKey
from django.db import router
from django.db.models import Model, Q

from api_guard.access import ownership
from api_guard.access.endpoints import dotted_path
from api_guard.access.failures import failures_as_refusals
from api_guard.access.vetting.current import is_unheld
from api_guard.access.vetting.foreign_keys import link_fields
from api_guard.access.vetting.keeping import UNTOLD, Written, leads_to_owner
from api_guard.access.vetting.record import Vetting
from api_guard.core.objects import ObjectRule
from api_guard.core.operations import Operation
from api_guard.exceptions import OutsideYourObjects

logger = logging.getLogger("api_guard")


def refuse_foreign_links(vetting: Vetting, written: Written) -> None:
    """Raise OutsideYourObjects if a foreign key is set to a row that the caller may not see."""
    instance = written.instance
    for field in link_fields(instance.__class__):
        if field.name in vetting.policy.related or written.is_kept(field):
            continue
        if _is_of_the_owner(vetting, instance, field):
            continue
        value = written.value(field)
        if value is None or value is UNTOLD:
            continue
        model: Any = field.related_model
        is_refused = is_hidden(vetting, model, field.target_field.name, [value])
        # A row that already points there may be saved again.
        if is_refused and not written.was_stored(field):
            refuse_hidden(vetting, model, field.name)
    for generic in instance._meta.private_fields:
        if isinstance(generic, GenericForeignKey) and generic.name not in vetting.policy.related:
            _refuse_generic(vetting, generic, written)


def _is_of_the_owner(vetting: Vetting, instance: Model, field: Any) -> bool:
    """Whether the view's own rule, which is checked too, lets a link lead only to the caller."""
    model, keep = vetting.model, vetting.keep
    if model is None or keep is None or not isinstance(instance, model):
        return False
    return leads_to_owner(model, keep, field)


def _refuse_generic(vetting: Vetting, generic: GenericForeignKey, written: Written) -> None:
    instance = written.instance
    key: Any = instance._meta.get_field(generic.fk_field)
    kind_field: Any = instance._meta.get_field(generic.ct_field)
    kind: Any = getattr(instance, generic.ct_field, None)
    value = getattr(instance, key.attname, None)
    model = None if kind is None else kind.model_class()
    is_written = written.is_written(key) or written.is_written(kind_field)
    if model is None or value is None or not is_written:
        return
    if is_hidden(vetting, model, "pk", [value]) and not written.was_stored(key, kind_field):
        refuse_hidden(vetting, model, generic.name)


def is_hidden(
    vetting: Vetting,
    model: type[Model],
    column: str,
    values: list[object],
    operation: Operation = ownership.READING,
) -> bool:
    """Whether one of these rows of `model`, named by a column, is hidden from the caller.

    There is one exception: a rule that lets users see only their own profile does not hide users
    here, because an application refers to other users all the time.
    """
    view_class = type(vetting.view)
    if not ownership.is_ruled(model, view_class) or is_unheld(model):
        return False
    unknown = [value for value in values if not _is_seen(vetting, model, column, value, operation)]
    if not unknown:
        return False
    rules = list(ownership.rules_over(model, vetting.asking, operation))
    if rules and all(ownership.is_oneself(rule, own) for rule, own in rules):
        return False
    with failures_as_refusals(vetting.view, "the object rule of a related object"):
        allowed = ownership.allowed_by_views(model, vetting.asking, operation)
        return allowed is not None and not _are_all(model, column, unknown, allowed)


def refuse_hidden(vetting: Vetting, model: type[Model], name: str) -> NoReturn:
    """Raise OutsideYourObjects for a row of `model` that the field `name` points to."""
    logger.warning(
        "%s: %s would have written %s, which points to a %s outside its objects. If that is "
        'intended, write @guard(related={"%s": ANY_OBJECT}).',
        dotted_path(type(vetting.view)),
        vetting.caller,
        name,
        model._meta.label,
        name,
    )
    raise OutsideYourObjects


def visible_key(operation: Operation) -> object:
    """Return the key under which the rows of a narrowed related field are stored."""
    return "visible", operation


def _is_seen(
    vetting: Vetting, model: type[Model], column: str, value: object, operation: Operation
) -> bool:
    """Whether this request has made the row, or a narrowed queryset of this request had it."""
    if column not in ("pk", str(model._meta.pk.name)):
        return False
    roots = ownership.roots(model)
    if any((root, value) in vetting.made for root in roots):
        return True
    keys = [visible_key(operation)]
    rule: ObjectRule | None = vetting.rule
    if rule is not None and vetting.root(model) is not None:
        keys.append(rule.key)
    return any(vetting.known(key, (root, value)) is not None for key in keys for root in roots)


def _are_all(model: Any, column: str, values: list[object], allowed: Q) -> bool:
    rows = model._base_manager.using(router.db_for_write(model))
    found = rows.filter(**{f"{column}__in": values}).filter(allowed).order_by()
    return bool(found.values(column).distinct().count() == len(set(values)))
