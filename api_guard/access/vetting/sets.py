"""Checks the many-to-many sets of held objects before they change."""

from __future__ import annotations

import logging
from functools import cache
from typing import Any, NoReturn

from django.db import connections
from django.db.models import Model
from django.db.models.signals import m2m_changed

from api_guard.access import ownership
from api_guard.access.endpoints import dotted_path
from api_guard.access.vetting.current import current
from api_guard.access.vetting.databases import written_to
from api_guard.access.vetting.judging import is_held
from api_guard.access.vetting.links import is_hidden, refuse_hidden
from api_guard.access.vetting.reading import vet
from api_guard.access.vetting.record import Vetting
from api_guard.access.vetting.undoing import nothing_executed
from api_guard.exceptions import OutsideYourObjects

logger = logging.getLogger("api_guard")

# The field of each watched many-to-many table.
_fields: dict[Any, Any] = {}


def watch_sets(model: type[Model], view_class: type) -> None:
    """Check the many-to-many sets of `model` from now on, if an object rule applies.

    Only these sets: if a set has a receiver, Django makes one more query before it adds rows.
    """
    for field in _sets_of(model):
        ends = (field.model, field.related_model)
        if any(ownership.is_ruled(each, view_class) for each in ends):
            through = field.remote_field.through
            if through not in _fields:
                _fields[through] = field
                m2m_changed.connect(_before_change, sender=through, dispatch_uid="api_guard.sets")


@cache
def _sets_of(model: type[Model]) -> tuple[Any, ...]:
    far_sides = (each.field for each in model._meta.related_objects if each.many_to_many)
    return (*model._meta.many_to_many, *far_sides)


def _before_change(
    sender: Any,
    instance: Model,
    action: str,
    reverse: bool,
    model: type[Model],
    pk_set: set[object] | None,
    using: str | None = None,
    **_: object,
) -> None:
    vetting = current()
    if vetting is None or not action.startswith("pre_"):
        return
    is_of_instance = is_held(vetting, instance.__class__)
    if not is_of_instance and not is_held(vetting, model):
        return
    field = _fields[sender]
    name = str(field.remote_field.get_accessor_name() if reverse else field.name)
    is_lifted = name in vetting.policy.related
    using = written_to(instance, using)
    with nothing_executed(using, _own_blocks(using)):
        if is_of_instance:
            _vet_instance(vetting, instance, using)
        elif reverse and action != "pre_remove":
            _refuse_as_named(vetting, instance, field)
        if action == "pre_add" and pk_set and not is_lifted:
            # From the other side, the set of each named object changes.
            operation = ownership.WRITING if reverse else ownership.READING
            if is_hidden(vetting, model, "pk", list(pk_set), operation):
                refuse_hidden(vetting, model, name)
        if not reverse:
            _judge_owners(vetting, instance, field, action, pk_set or set(), using)


def _own_blocks(using: str) -> int:
    """Count the transactions without a savepoint that add(), remove() and set() open, at most 3."""
    count = 0
    for block in reversed(connections[using].atomic_blocks[-3:]):
        if block.savepoint:
            break
        count += 1
    return count


def _vet_instance(vetting: Vetting, instance: Model, using: str) -> None:
    """Refuse to change a set of an object of another caller. New objects are allowed."""
    if any(key in vetting.saved for key in ownership.keys_of(instance)):
        vetting.has_run = True
    elif vetting.root(instance.__class__) is not None:
        vet(vetting, instance, using=using, on_failure=OutsideYourObjects)
    elif is_hidden(vetting, instance.__class__, "pk", [instance.pk], ownership.WRITING):
        refuse_hidden(vetting, instance.__class__, str(instance._meta.model_name))


def _refuse_as_named(vetting: Vetting, instance: Model, field: Any) -> None:
    """Check the object that held ones will point to, as if their field had named it.

    `note.tags.add(tag)` and `tag.notes.add(note)` write the same row.
    """
    model = instance.__class__
    is_lifted = field.name in vetting.policy.related
    if not is_lifted and is_hidden(vetting, model, "pk", [instance.pk]):
        refuse_hidden(vetting, model, field.name)


def _judge_owners(
    vetting: Vetting, instance: Model, field: Any, action: str, pks: set[object], using: str
) -> None:
    """Refuse a set of owners without the caller."""
    keep = vetting.keep
    own = vetting.model
    if keep is None or own is None or vetting.root(instance.__class__) is None:
        return
    if ownership.many_to_many(own, keep.owner) != field:
        return
    user_id = vetting.caller.user_id
    vetting.has_run = True
    if action == "pre_add":
        is_left = user_id in pks or is_among(instance, field, user_id, using)
        if not is_left and any(key in vetting.made for key in ownership.keys_of(instance)):
            # In a new object, the caller may be added last.
            vetting.unowned.append((instance, field, using))
            return
    elif action == "pre_remove":
        is_left = user_id not in pks
    else:
        is_left = _own_blocks(using) > 1  # set(..., clear=True), which adds next
    if not is_left:
        refuse_leaving(vetting, instance, field)


def is_among(instance: Model, field: Any, user_id: object, using: str) -> bool:
    """Whether the user is in a set of owners now."""
    named = {field.m2m_field_name(): instance.pk, field.m2m_reverse_field_name(): user_id}
    return bool(field.remote_field.through._base_manager.using(using).filter(**named).exists())


def refuse_unowned(vetting: Vetting) -> None:
    """Refuse objects that a handler made only for others."""
    for instance, field, using in vetting.unowned:
        if not is_among(instance, field, vetting.caller.user_id, using):
            refuse_leaving(vetting, instance, field)


def refuse_leaving(vetting: Vetting, instance: Model, field: Any) -> NoReturn:
    """Raise OutsideYourObjects for a set of owners without the caller."""
    logger.warning(
        "%s: %s would have left a %s without itself among its %s.",
        dotted_path(type(vetting.view)),
        vetting.caller,
        instance._meta.label,
        field.name,
    )
    raise OutsideYourObjects
