"""Decides whether the new values of a row are allowed by an object rule.

For a plain owner, the values in memory are enough. For an owner behind a foreign key, one query is
needed. For all other rules the row has to be written first.
"""

from __future__ import annotations

from typing import Any

from django.core.exceptions import ValidationError
from django.db.models import Field, ForeignKey, Model

from api_guard.access import ownership
from api_guard.access.vetting.foreign_keys import Links
from api_guard.core.objects import ObjectRule

UNTOLD = object()


class Written:
    """An instance that `save()` is about to write, with the values of the future row.

    `stored` are the known links of the row that is already stored. `may_exist` says whether such a
    row can exist.
    """

    def __init__(
        self,
        instance: Model,
        stored: Links | None,
        update_fields: Any,
        using: str,
        *,
        may_exist: bool,
    ) -> None:
        self.instance = instance
        self.stored = stored
        self.using = using
        self._may_exist = may_exist
        self._update_fields = None if update_fields is None else frozenset(update_fields)

    def is_written(self, field: Field[Any, Any]) -> bool:
        """Whether the save writes this column."""
        named = self._update_fields
        if named is not None and not {field.name, field.attname} & named:
            return False
        return field.attname in self.instance.__dict__

    def value(self, field: Field[Any, Any]) -> object:
        """Return the future value of a column; UNTOLD if memory cannot tell."""
        if not self.is_written(field):
            return self._stored_value(field)
        value = self.instance.__dict__[field.attname]
        is_made_on_saving = type(field).pre_save not in (Field.pre_save, ForeignKey.pre_save)
        return UNTOLD if hasattr(value, "resolve_expression") or is_made_on_saving else value

    def is_kept(self, field: Field[Any, Any]) -> bool:
        """Whether memory shows that the save does not change a column."""
        if not self.is_written(field):
            return True
        return bool(self.instance.__dict__[field.attname] == self._stored_value(field))

    def was_stored(self, *fields: Field[Any, Any]) -> bool:
        """Ask the database whether the columns already have these values."""
        if not self._may_exist:
            return False
        rows = type(self.instance)._base_manager.using(self.using)
        values = {field.attname: self.instance.__dict__[field.attname] for field in fields}
        return rows.filter(pk=self.instance.pk, **values).exists()

    def _stored_value(self, field: Field[Any, Any]) -> object:
        return UNTOLD if self.stored is None else self.stored.get(field.attname, UNTOLD)


def leads_to_owner(model: type[Model], keep: ObjectRule, field: Field[Any, Any]) -> bool:
    """Whether `keep`, a rule over `model`, decides by the row that a column points to."""
    is_owned = keep.narrow is None and ownership.leads_to_user(model, str(keep.owner)) is not None
    return is_owned and ownership.first_hop(model, str(keep.owner)) == field


def may_be_left(
    written: Written, keep: ObjectRule, find: ObjectRule | None, model: type[Model], user_id: object
) -> bool | None:
    """Return whether `keep`, a rule over `model`, allows a row; None if memory cannot tell.

    `find` is the rule that has passed the stored row.
    """
    if keep.narrow is not None or not isinstance(written.instance, model):
        return None
    owner = str(keep.owner)
    if user_id is None or ownership.leads_to_user(model, owner) is None:
        return False
    is_found_by_it = written.stored is not None and find is not None and find.owner == owner
    field = ownership.first_hop(model, owner)
    if field is None:
        # save() does not write relations to many. In a new row they are empty.
        return True if written.stored is None or is_found_by_it else None
    if is_found_by_it and written.is_kept(field):
        return True
    value = written.value(field)
    if value is UNTOLD or getattr(field.remote_field, "parent_link", False):
        return None  # the row of the parent may not be there yet
    rest = owner.partition("__")[2]
    if rest in ("", "pk") or ownership.leads_to_user(model, owner) == owner:
        return _is_same(field, value, user_id, written.using)
    return value is not None and _is_behind(field, value, rest, user_id, written.using)


def _is_same(field: Any, value: object, user_id: object, using: str) -> bool:
    target: Any = field.target_field if isinstance(field, ForeignKey) else field
    if not target.primary_key:
        users = target.model._base_manager.using(using)
        return bool(users.filter(**{target.name: value}, pk=user_id).exists())
    try:
        return bool(target.to_python(value) == user_id) and value is not None
    except ValidationError:
        return False


def _is_behind(field: Any, value: object, rest: str, user_id: object, using: str) -> bool:
    related: Any = field.related_model
    lookup = ownership.leads_to_user(related, rest)
    rows = related._base_manager.using(using).filter(**{field.target_field.name: value})
    return bool(lookup) and rows.filter(**{str(lookup): user_id}).exists()
