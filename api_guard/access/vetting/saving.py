"""Checks every `save()` of a held model, after all `pre_save` receivers and before `post_save`."""

from __future__ import annotations

import functools
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.db import DatabaseError, transaction
from django.db.models import Model

from api_guard.access.vetting.current import current
from api_guard.access.vetting.databases import written_to
from api_guard.access.vetting.judging import Judgement, is_held
from api_guard.access.vetting.record import Vetting
from api_guard.access.vetting.undoing import nothing_executed
from api_guard.exceptions import RuleFailed

logger = logging.getLogger("api_guard")

_NAME = "_save_table"
# Django 6.1 renamed it.
_savepoint: Any = getattr(transaction, "savepoint_create", None) or transaction.savepoint


def before_save(
    sender: Any,
    instance: Model,
    using: str | None = None,
    update_fields: Any = None,
    **_: object,
) -> None:
    """Put a check before the statement of this save.

    Django calls `instance._save_table()` for each table of the model after it has sent `pre_save`.
    At `pre_save` it is too early, because later receivers may still change the instance. At
    `post_save` it is too late, because receivers act on the saved row.
    """
    del sender
    vetting = current()
    if vetting is None or not is_held(vetting, instance.__class__):
        return
    # The name is Django's. `after_save` refuses if the check is still there.
    setattr(instance, _NAME, _Judge(vetting, instance, written_to(instance, using), update_fields))
    # A receiver of `pre_save` may copy or pickle the instance, and must not copy the check.
    instance.__dict__["__getstate__"] = functools.partial(_state_of, instance)


def after_save(sender: Any, instance: Model, **_: object) -> None:
    """Refuse a save whose check did not run."""
    del sender
    if isinstance(instance.__dict__.get(_NAME), _Judge):
        instance.__dict__[_NAME].leave()
        logger.error("%s is saved without _save_table(): refused.", instance._meta.label)
        raise RuleFailed


def _state_of(instance: Any) -> Any:
    """Return the state of an instance for copies and pickles, without the check."""
    cls: Any = type(instance)
    state: dict[str, Any] = cls.__getstate__(instance)
    return {name: value for name, value in state.items() if name not in (_NAME, "__getstate__")}


class _Judge:
    """Replaces `instance._save_table` for one save."""

    def __init__(self, vetting: Vetting, instance: Model, using: str, update_fields: Any) -> None:
        self._vetting = vetting
        self._instance = instance
        self._using = using
        self._update_fields = update_fields
        self._judgement: Judgement | None = None
        self._savepoint: str | None = None

    def __reduce__(self) -> tuple[Any, ...]:
        # For code that copies the attributes of an instance.
        return type(None), ()

    def __call__(self, raw: bool = False, cls: Any = None, *args: Any, **kwargs: Any) -> Any:
        instance = self._instance
        concrete: Any = instance._meta.concrete_model
        is_last = cls is concrete
        if is_last:
            self.leave()
        own = type(instance)._save_table  # type: ignore[attr-defined]
        if current() is not self._vetting:
            self.leave()
            return own(instance, raw, cls, *args, **kwargs)
        has_parents = bool(concrete._meta.parents)
        blocks = int(has_parents)
        with self._leaving(), nothing_executed(self._using, blocks):
            named = dict(zip(("force_insert", "force_update"), args, strict=False)) | kwargs
            judgement = self._judgement or self._judge(named)
            if judgement.needs_row and has_parents and self._savepoint is None:
                # Django's own transaction around the tables of one object has no savepoint.
                self._savepoint = _savepoint(using=self._using)
            with self._block(needed=judgement.needs_row and is_last and not has_parents):
                with self._vetting.saving():
                    result = own(instance, raw, cls, *args, **kwargs)
                if is_last:
                    self._conclude(judgement)
        return result

    @contextmanager
    def _block(self, *, needed: bool) -> Iterator[None]:
        """Undo the row if it is refused, also if the database refuses it."""
        if not needed:
            yield
            return
        using = self._using
        with nothing_executed(using, 0, also=(DatabaseError,)), transaction.atomic(using=using):
            yield

    def _conclude(self, judgement: Judgement) -> None:
        try:
            judgement.conclude()
        except BaseException:
            if self._savepoint is not None:
                transaction.savepoint_rollback(self._savepoint, using=self._using)
            raise
        if self._savepoint is not None:
            transaction.savepoint_commit(self._savepoint, using=self._using)

    @contextmanager
    def _leaving(self) -> Iterator[None]:
        try:
            yield
        except BaseException:
            self.leave()
            raise

    def _judge(self, named: dict[str, Any]) -> Judgement:
        is_update = bool(named.get("force_update")) or self._update_fields is not None
        is_insert = bool(named.get("force_insert"))
        self._judgement = Judgement(
            self._vetting,
            self._instance,
            self._using,
            self._update_fields,
            may_exist=is_update or _may_exist(self._instance, is_insert),
        )
        return self._judgement

    def leave(self) -> None:
        self._instance.__dict__.pop(_NAME, None)
        self._instance.__dict__.pop("__getstate__", None)


def _may_exist(instance: Model, is_insert: bool) -> bool:
    """Whether the save may overwrite a stored row.

    False if the save can only insert: an existing row is then an error of the database.
    """
    concrete: Any = instance._meta.concrete_model
    if not instance._state.adding:
        return True
    for table in (concrete, *concrete._meta.all_parents):
        keys = table._meta.pk_fields
        is_set = getattr(instance, table._meta.pk.attname) is not None
        is_made = all(field.has_default() or field.has_db_default() for field in keys)
        is_parent_link = table is not concrete or not concrete._meta.parents
        if is_set and is_parent_link and not is_made and not (is_insert and table is concrete):
            return True
    return False
