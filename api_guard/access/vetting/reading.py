"""Checks the objects that a handler loads and shows."""

from __future__ import annotations

import asyncio
from typing import Any

from django.db import router
from django.db.models import Model

from api_guard.access import ownership
from api_guard.access.failures import failures_as_refusals
from api_guard.access.vetting.foreign_keys import Links, link_fields
from api_guard.access.vetting.record import Vetting
from api_guard.core.objects import ObjectRule
from api_guard.exceptions import HiddenObject


def vet(
    vetting: Vetting,
    *instances: Any,
    using: str | None = None,
    on_failure: type[Exception] = HiddenObject,
) -> None:
    """Raise `on_failure` for an object that the rule does not allow the caller.

    Only objects of the view's model are checked. One query checks all objects that are not known
    yet. In an event loop, the query has to wait: it runs before the next write and before the
    answer is sent.
    """
    rule = vetting.rule
    if rule is None:
        return
    # The current keys, because an object that is deleted later has none.
    ours = [(key_of(vetting, each), each) for each in instances if vetting.root(each.__class__)]
    unknown = [(key, each) for key, each in ours if vetting.known(rule.key, key) is None]
    if not unknown:
        if ours:
            vetting.has_run = vetting.has_vetted = True
        return

    def ask() -> None:
        left = [(key, each) for key, each in unknown if vetting.known(rule.key, key) is None]
        with failures_as_refusals(vetting.view, "the object rule"):
            is_covered = _are_covered(vetting, rule, left, using)
        if not is_covered:
            raise on_failure
        vetting.has_run = vetting.has_vetted = True

    if is_in_event_loop():
        vetting.pending.append(ask)
    else:
        ask()


def is_new(instance: Model) -> bool:
    """Whether an instance is not stored, and has no key of a stored row."""
    return instance._state.adding and instance.pk is None


def settle(vetting: Vetting) -> None:
    """Run the checks that had to wait for the event loop; refused ones are run again later."""
    while vetting.pending:
        ask = vetting.pending[-1]
        ask()
        vetting.pending.remove(ask)


def is_in_event_loop() -> bool:
    """Whether this thread must not wait for a database."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True


def key_of(vetting: Vetting, instance: Model) -> ownership.Key:
    """Return the key of an object of the view's model."""
    root: Any = vetting.root(instance.__class__)
    return root, ownership.key_in(instance, root)


def covered(
    vetting: Vetting, rule: ObjectRule, root: type[Model], values: list[object], using: str
) -> set[object]:
    """Return the keys of the stored rows of the view's model that the rule allows the caller.

    The rows that they point to are remembered.
    """
    model: Any = vetting.model
    allowed = vetting.allowed(rule, model)
    if allowed is ownership.NO_OBJECT:
        return set()
    rows = ownership.rows_of(model, root, values, using)
    if allowed is not None:
        rows = rows.filter(allowed)
    names = [field.attname for field in link_fields(model)]
    found = set()
    for value, *links in rows.order_by().values_list(root._meta.pk.name, *names):
        found.add(value)
        vetting.learn(rule.key, (root, value), dict(zip(names, links, strict=True)))
    return found


def stored_links(
    vetting: Vetting, rule: ObjectRule, key: ownership.Key, using: str
) -> tuple[bool, Links | None]:
    """Return whether a row with this key exists that the rule does not allow the caller.

    If the rule allows the row, also return what it points to.
    """
    known = vetting.known(rule.key, key)
    root, value = key
    if known is None and covered(vetting, rule, root, [value], using):
        known = vetting.known(rule.key, key)
    if known is not None:
        return False, known
    model: Any = vetting.model
    return ownership.rows_of(model, root, [value], using).exists(), None


def _are_covered(
    vetting: Vetting,
    rule: ObjectRule,
    instances: list[tuple[ownership.Key, Model]],
    using: str | None,
) -> bool:
    by_root: dict[type[Model], dict[object, Model]] = {}
    for (root, value), instance in instances:
        if value is None:
            if any(instance is each for each in vetting.gone):
                continue  # deleted in this request, after the check
            return False  # not stored, so it belongs to nobody
        by_root.setdefault(root, {})[value] = instance
    model: Any = vetting.model
    for root, found in by_root.items():
        alias = using or _database(vetting, next(iter(found.values())))
        missing = found.keys() - covered(vetting, rule, root, list(found), alias)
        # A parent or sibling without a row of this model is not checked, and neither is a new
        # object.
        strangers = [
            value
            for value in missing
            if found[value]._state.adding or not isinstance(found[value], model)
        ]
        if len(strangers) < len(missing):
            return False
        if strangers and ownership.rows_of(model, root, strangers, alias).exists():
            return False
    return True


def _database(vetting: Vetting, instance: Model) -> str:
    """Return the database to ask. Before a write, it is the one that is written to."""
    model: Any = vetting.model
    if vetting.operation.slot == "write":
        return router.db_for_write(model, instance=instance)
    return instance._state.db or router.db_for_read(model, instance=instance)
