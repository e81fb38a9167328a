"""Primary keys of related objects: type checked, and many of them fetched with one query."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import ValidationError as DjangoValidationError
from django.core.validators import MaxLengthValidator
from django.db.models import Field, ForeignKey, IntegerField, Model, QuerySet
from django.utils.translation import gettext_lazy as _
from rest_framework.exceptions import ValidationError
from rest_framework.relations import (
    MANY_RELATION_KWARGS,
    ManyRelatedField,
    PrimaryKeyRelatedField,
)

from api_guard.core.numbers import is_plain_integer
from api_guard.core.structures import MAX_INTEGER
from api_guard.core.text import find_flaw
from api_guard.fields.flaws import MAX_ERRORS

MAX_ITEMS = 100
_LONGEST_KEY = 255
# JSON types that are refused for a text key. Otherwise a number would be converted to a UUID.
_NO_KEYS = (int, float, list, dict)


class BoundedPrimaryKeyRelatedField(PrimaryKeyRelatedField[Any]):
    """The primary key of another object. It refuses 1.7, true and "٣" for an integer key.

    With `many=True`, it takes at most `max_items` keys (default 100) and fetches them with one
    query.
    """

    default_error_messages = {
        "does_not_exist": _("This object does not exist."),
        "incorrect_type": _("This is not a valid key."),
    }

    @classmethod
    def many_init(cls, *args: Any, **kwargs: Any) -> BoundedManyRelatedField:
        """Return the field for many keys, as DRF does."""
        max_items = kwargs.pop("max_items", MAX_ITEMS)
        options = {name: kwargs[name] for name in kwargs if name in MANY_RELATION_KWARGS}
        return BoundedManyRelatedField(
            child_relation=cls(*args, **kwargs), max_items=max_items, **options
        )

    def to_internal_value(self, data: Any) -> Model:
        """Return the object. Raises ValidationError."""
        return self.fetch([data])[0]

    def fetch(self, data: list[Any]) -> list[Model]:
        """Return the objects with these keys, in the same order, with one query.

        Raises ValidationError for invalid keys, and for keys without an object.
        """
        queryset: Any = self.get_queryset()
        keys = [self._key(item, queryset) for item in data]
        # None is a key that does not fit the column. A database might raise for it.
        found = queryset.in_bulk({key for key in keys if key is not None})
        missing = [index for index, key in enumerate(keys) if key not in found]
        if missing:
            self._refuse_missing(missing, of=len(data))
        return [found[key] for key in dict.fromkeys(keys)]

    def _refuse_missing(self, missing: list[int], of: int) -> None:
        message = self.error_messages["does_not_exist"]
        if of > 1:
            places = ", ".join(map(str, missing[:MAX_ERRORS]))
            message = f"{message} ({places}{', …' if len(missing) > MAX_ERRORS else ''})"
        raise ValidationError(message, code="does_not_exist")

    def _key(self, data: Any, queryset: QuerySet[Any]) -> Any:
        """Return `data` in the type of the key, or None if it does not fit the column."""
        if self.pk_field is not None:
            data = self.pk_field.to_internal_value(data)
        column: Field[Any, Any] = queryset.model._meta.pk
        while isinstance(column, ForeignKey):
            column = column.target_field
        if isinstance(column, IntegerField):
            return self._integer(data)
        if isinstance(data, str):
            if find_flaw(data, newlines=True, max_length=_LONGEST_KEY, max_bytes=4 * _LONGEST_KEY):
                self.fail("incorrect_type")
        elif isinstance(data, _NO_KEYS):
            self.fail("incorrect_type")
        try:
            return column.to_python(data)
        except DjangoValidationError:
            self.fail("incorrect_type")

    def _integer(self, data: Any) -> int | None:
        if isinstance(data, str) and is_plain_integer(data) and len(data) < 20:
            data = int(data)
        if not isinstance(data, int) or isinstance(data, bool):
            self.fail("incorrect_type")
        return data if abs(data) <= MAX_INTEGER else None


class BoundedManyRelatedField(ManyRelatedField):
    """The keys of at most `max_items` other objects. `many=True` makes this field."""

    child_relation: BoundedPrimaryKeyRelatedField
    default_error_messages = {"max_length": _("There are more than {max_length} keys.")}

    def __init__(self, *args: Any, max_items: int = MAX_ITEMS, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.max_items = max_items
        # Only for the schema. The keys are counted earlier.
        self.validators.append(MaxLengthValidator(max_items))

    def to_internal_value(self, data: Any) -> list[Model]:
        """Return the objects, each once. Raises ValidationError."""
        if not isinstance(data, (list, tuple, set)):
            self.fail("not_a_list", input_type=type(data).__name__)
        if not self.allow_empty and not data:
            self.fail("empty")
        if len(data) > self.max_items:
            self.fail("max_length", max_length=self.max_items)
        return self.child_relation.fetch(list(data))
