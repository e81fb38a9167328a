"""Makes a model's instance of its columns in a row."""

from __future__ import annotations

from typing import Any

from django.db import models, router
from django.db.models import Model
from django.db.models.base import ModelBase, ModelState
from django.db.models.fields.related_descriptors import ForeignKeyDeferredAttribute
from django.db.models.query_utils import DeferredAttribute
from django.db.models.signals import post_init, pre_init


def _function_of(model: Any) -> Any:
    return getattr(model.from_db, "__func__", None)


# As Django has them, before anything else puts its own in their place.
_init, _from_db, _setattr = Model.__init__, _function_of(Model), Model.__setattr__
_PLAIN = (DeferredAttribute, ForeignKeyDeferredAttribute)


class Columns:
    """The columns of one model in a row, from `start` on."""

    def __init__(self, model: type[Model], start: int) -> None:
        fields: Any = model._meta.concrete_fields
        self._model: Any = model
        self._names = [field.attname for field in fields]
        self.stop = start + len(self._names)
        self._part = slice(start, self.stop)
        self._pk = fields.index(model._meta.pk)
        # A descriptor such as that of a file does something with what is set.
        attributes = [getattr(model, name, None) for name in self._names]
        self._are_plain = type(model) is ModelBase and all(
            type(each) in _PLAIN for each in attributes
        )

    def instance(self, row: list[Any]) -> Any:
        """Return an instance as a query of its model does; None where an outer join found none."""
        values = row[self._part]
        if values[self._pk] is None:
            return None
        model, alias = self._model, router.db_for_write(self._model)
        if not self._may_be_filled():
            return model.from_db(alias, self._names, values)
        # What Model.__init__() does, where nobody has a say in it; it takes five times as long.
        instance = object.__new__(model)
        state = ModelState()
        state.adding, state.db = False, alias
        attributes = instance.__dict__
        attributes["_state"] = state
        attributes.update(zip(self._names, values, strict=True))
        return instance

    def _may_be_filled(self) -> bool:
        model = self._model
        return (
            self._are_plain
            and model.__init__ is _init
            and model.__new__ is object.__new__
            and model.__setattr__ is _setattr
            and _function_of(model) is _from_db
            and not _has_listeners(pre_init, model)
            and not _has_listeners(post_init, model)
        )


def _has_listeners(signal: Any, model: Any) -> bool:
    # Most sites have none at all, and to ask for those of a model takes five calls.
    return bool(signal.receivers) and signal.has_listeners(model)


def relate(instance: Any, name: str, other: Any) -> None:
    """Have a foreign key of `instance` name what was read with it."""
    field = instance._meta.get_field(name)
    if type(field) is models.ForeignKey:
        field.set_cached_value(instance, other)
    else:
        setattr(instance, name, other)
