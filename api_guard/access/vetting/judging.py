"""Checks one save: the stored row, the new row, and the rows that it points to."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import Any, NoReturn

from django.db.models import Model

from api_guard.access import ownership
from api_guard.access.endpoints import dotted_path, models_everywhere
from api_guard.access.failures import failures_as_refusals
from api_guard.access.vetting.current import is_unheld
from api_guard.access.vetting.foreign_keys import Links, link_fields, links_of
from api_guard.access.vetting.keeping import Written, may_be_left
from api_guard.access.vetting.links import refuse_foreign_links
from api_guard.access.vetting.reading import key_of, stored_links
from api_guard.access.vetting.record import Vetting
from api_guard.core.objects import ObjectRule
from api_guard.exceptions import OutsideYourObjects

logger = logging.getLogger("api_guard")


def is_held(vetting: Vetting, model: type[Model]) -> bool:
    """Whether saves and deletes of `model` are checked in this request."""
    if is_unheld(model):
        return False
    return vetting.root(model) is not None or is_of_others(vetting, model)


def is_of_others(vetting: Vetting, model: type[Model]) -> bool:
    """Whether the rules of other views apply to `model` here.

    They do if a serializer of this view writes the model, or if they hold everywhere.
    """
    known = (*vetting.held, *models_everywhere())
    return any(ownership.shared_root(each, model) is not None for each in known)


def is_decided_by_sets(vetting: Vetting) -> bool:
    """Whether the rule is a function that joins several rows to one row."""
    keep, model = vetting.keep, vetting.model
    if keep is None or keep.narrow is None or model is None:
        return False
    allowed = vetting.allowed(keep, model)
    return allowed is not None and ownership.joins_many(model, allowed)


class Judgement:
    """The check of one save, which starts before the row is written.

    `needs_row` says that only the written row can tell the rest.
    """

    def __init__(
        self, vetting: Vetting, instance: Model, using: str, update_fields: Any, *, may_exist: bool
    ) -> None:
        self._vetting = vetting
        self._instance = instance
        self._using = using
        self._is_new = instance._state.adding
        self._is_own = vetting.root(instance.__class__) is not None
        with failures_as_refusals(vetting.view, "the object rule"):
            stored = self._vet_stored() if may_exist else None
            self._written = Written(instance, stored, update_fields, using, may_exist=may_exist)
            refuse_foreign_links(vetting, self._written)
            self.needs_row = self._is_undecided()
        # The serializer writes sets after the row. They are checked then.
        self._is_later = self._is_own and vetting.is_filling and is_decided_by_sets(vetting)
        if self._is_later:
            self.needs_row = False
        # From here on, statements on the view's table belong to this save.
        if self._is_own:
            vetting.has_run = vetting.has_vetted = True

    def _vet_stored(self) -> Links | None:
        """Return the links of the stored row, if it exists. Raises if it is another caller's."""
        vetting = self._vetting
        if not self._is_own:
            return self._vet_others()
        if vetting.rule is None:
            return vetting.known(None, key_of(vetting, self._instance))
        key = key_of(vetting, self._instance)
        is_foreign, links = stored_links(vetting, vetting.rule, key, self._using)
        if is_foreign:
            self._refuse("changed")
        return links

    def _vet_others(self) -> Links | None:
        model: Any = self._instance.__class__
        if not ownership.is_ruled(model, type(self._vetting.view)):
            return None
        stored = model._base_manager.using(self._using).filter(pk=self._instance.pk)
        names = [field.attname for field in link_fields(model)]
        allowed = ownership.allowed_by_views(model, self._vetting.asking, ownership.WRITING)
        found = (stored if allowed is None else stored.filter(allowed)).values(*names, "pk")[:1]
        for links in found:
            return dict(links)
        if stored.exists():
            self._refuse("changed")
        return None

    def _is_undecided(self) -> bool:
        """Whether to check the row after the write. Raises if memory already shows a breach."""
        verdicts = list(self._verdicts())
        if not verdicts or True in verdicts:
            return False
        if None not in verdicts:
            self._refuse("written")
        return True

    def _verdicts(self) -> Iterator[bool | None]:
        vetting, written = self._vetting, self._written
        user_id = vetting.caller.user_id
        if not self._is_own:
            yield from self._verdicts_of_others(user_id)
        elif vetting.keep is not None:
            model: Any = vetting.model
            self._fill(vetting.keep, model)
            yield may_be_left(written, vetting.keep, vetting.rule, model, user_id)

    def _verdicts_of_others(self, user_id: object) -> Iterator[bool | None]:
        vetting, model = self._vetting, self._instance.__class__
        if not ownership.is_ruled(model, type(vetting.view)):
            return
        found = list(ownership.rules_over(model, vetting.asking, ownership.WRITING, is_kept=True))
        for rule, own in found:
            self._fill(rule, own)
        for rule, own in found:
            yield True if rule.is_any else may_be_left(self._written, rule, rule, own, user_id)
        if not found:
            yield False

    def _fill(self, rule: ObjectRule, model: type[Model]) -> None:
        """Set the owner of a new row, if the serializer left it out."""
        vetting, instance = self._vetting, self._instance
        field = ownership.owner_field(model, rule.owner)
        is_new = self._written.stored is None and instance._state.adding
        if not (vetting.is_filling and is_new and field and isinstance(instance, model)):
            return
        if getattr(instance, field.attname) is None and vetting.caller.user_id is not None:
            setattr(instance, field.name, vetting.request.user)

    def conclude(self) -> None:
        """Check the written row, if memory could not tell. Raises OutsideYourObjects."""
        vetting, instance = self._vetting, self._instance
        if self.needs_row:
            with failures_as_refusals(vetting.view, "the object rule"):
                is_kept = self._is_row_kept()
            if not is_kept:
                self._refuse("written")
        if self._is_own:
            # Objects that this request found or made may be saved again.
            rule, key = vetting.rule, key_of(vetting, instance)
            links = {**(self._written.stored or {}), **links_of(instance)}
            vetting.learn(None if rule is None else rule.key, key, links)
            if self._is_later:
                return
        vetting.saved.update(ownership.keys_of(instance))
        if self._is_new:
            vetting.made.update(ownership.keys_of(instance))

    def _is_row_kept(self) -> bool:
        vetting, instance = self._vetting, self._instance
        if not self._is_own:
            model: Any = instance.__class__
            asking = vetting.asking
            allowed = ownership.allowed_by_views(model, asking, ownership.WRITING, is_kept=True)
            rows = model._base_manager.using(self._using).filter(pk=instance.pk)
            return bool((rows if allowed is None else rows.filter(allowed)).exists())
        own: Any = vetting.model
        root, value = key_of(vetting, instance)
        rows = ownership.rows_of(own, root, [value], self._using)
        if not isinstance(instance, own) and not rows.exists():
            return True  # a parent or a sibling that has no row of the view's model
        keep = vetting.keep
        allowed = None if keep is None else vetting.allowed(keep, own)
        return bool((rows if allowed is None else rows.filter(allowed)).exists())

    def _refuse(self, what: str) -> NoReturn:
        logger.warning(
            "%s: %s would have %s a %s outside its objects.",
            dotted_path(type(self._vetting.view)),
            self._vetting.caller,
            what,
            self._instance._meta.label,
        )
        raise OutsideYourObjects
