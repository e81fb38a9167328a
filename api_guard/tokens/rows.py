"""Makes a model instance from its columns in a row."""

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


# Django's own functions, before other code can replace them.
_init, _from_db, _setattr = Model.__init__, _function_of(Model), Model.__setattr__
_PLAIN = (DeferredAttribute, ForeignKeyDeferredAttribute)


class Columns:
    """The columns of one model in a row, beginning at `start`."""

    def __init__(self, model: type[Model], start: int) -> None:
        fields: Any = model._meta.concrete_fields
        self._model: Any = model
        self._names = [field.attname for field in fields]
        self.stop = start + len(self._names)
        self._part = slice(start, self.stop)
        self._pk = fields.index(model._meta.pk)
        # Other descriptors, for example of a FileField, change the value when it is set.
        attributes = [getattr(model, name, None) for name in self._names]
        self._are_plain = type(model) is ModelBase and all(
            type(each) in _PLAIN for each in attributes
        )

    def instance(self, row: list[Any]) -> Any:
        """Return an instance as a query does, or None if an outer join found no row."""
        values = row[self._part]
        if values[self._pk] is None:
            return None
        model, alias = self._model, router.db_for_write(self._model)
        if not self._may_be_filled():
            return model.from_db(alias, self._names, values)
        # The same as Model.__init__() without overrides or listeners, but five times faster.
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
            # Most sites have no receivers, and has_listeners() takes five calls.
            and not (pre_init.receivers and pre_init.has_listeners(model))
            and not (post_init.receivers and post_init.has_listeners(model))
        )


def relate(instance: Any, name: str, other: Any) -> None:
    """Set the foreign key `name` of `instance` to an object that was read with it."""
    field = instance._meta.get_field(name)
    if type(field) is models.ForeignKey:
        field.set_cached_value(instance, other)
    else:
        setattr(instance, name, other)
