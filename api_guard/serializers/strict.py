"""Serializers in which an unknown field is an error, and every field has its bounds."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.db.models import Field as Column
from django.db.models import GeneratedField
from rest_framework import serializers
from rest_framework.exceptions import ErrorDetail, ValidationError
from rest_framework.serializers import LIST_SERIALIZER_KWARGS, LIST_SERIALIZER_KWARGS_REMOVE
from rest_framework.settings import api_settings
from rest_framework.utils.html import is_html_input

from api_guard.core.scopes import did_you_mean
from api_guard.fields import BoundedPrimaryKeyRelatedField, StrictChoiceField
from api_guard.fields.flaws import MAX_ERRORS, echoed
from api_guard.serializers.dates import where_dated
from api_guard.serializers.holding import hold
from api_guard.serializers.lists import BoundedListSerializer
from api_guard.serializers.mapping import FIELDS, inner_of, is_read_only, mapped
from api_guard.serializers.options import options_of

# What Django's and DRF's own forms send beside the fields.
_OF_FORMS = frozenset({"csrfmiddlewaretoken"})


class _Strict(serializers.Serializer[Any]):
    """What both of the strict serializers do."""

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        # A schema would describe each serializer in the words of the class that it inherits from.
        cls.__doc__ = cls.__doc__ or " "

    @classmethod
    def many_init(cls, *args: Any, **kwargs: Any) -> Any:
        """Return a list serializer that takes at most `Meta.max_items` objects."""
        found = {name: kwargs.pop(name, None) for name in LIST_SERIALIZER_KWARGS_REMOVE}
        options: dict[str, Any] = {n: value for n, value in found.items() if value is not None}
        options.setdefault("max_length", options_of(cls).max_items)
        options |= {name: kwargs[name] for name in kwargs if name in LIST_SERIALIZER_KWARGS}
        options["child"] = cls(*args, **kwargs)
        meta = getattr(cls, "Meta", None)
        many = getattr(meta, "list_serializer_class", BoundedListSerializer)
        return many(*args, **options)

    def get_fields(self) -> dict[str, Any]:
        """Return the fields, each of which is held to its bounds, and to its type where asked."""
        fields = super().get_fields()
        options = options_of(self)
        for field in fields.values():
            hold(field, options)
        return fields

    def to_internal_value(self, data: Any) -> Any:
        """Return the validated fields. Raises ValidationError, for what is unknown too."""
        errors = {} if self._knows_all(data) else self._refused_keys(data)
        try:
            values = super().to_internal_value(data)
        except ValidationError as error:
            if not errors or not isinstance(error.detail, dict):
                raise
            raise ValidationError(errors | error.detail) from error
        if errors:
            raise ValidationError(errors)
        return values

    def _knows_all(self, data: Any) -> bool:
        """Whether there is no key to refuse: what nearly every request comes with."""
        if not isinstance(data, Mapping):
            return True
        is_plain = type(data) is dict and data.keys() <= self.fields.keys()
        return is_plain and not options_of(self).refuse_read_only

    def _refused_keys(self, data: Mapping[Any, Any]) -> dict[str, Any]:
        keys = list(data)
        if is_html_input(data):
            # Nested fields are written as a.b and a[0] in forms.
            first = (str(key).partition(".")[0].partition("[")[0] for key in keys)
            keys = list(dict.fromkeys(key for key in first if key not in _OF_FORMS))
        refused = [self._refusal(key, data.get(key)) for key in keys]
        found = [(key, error) for key, error in refused if error is not None]
        errors: dict[str, Any] = {key: [error] for key, error in found[:MAX_ERRORS]}
        if len(found) > MAX_ERRORS:
            more = ErrorDetail(f"And {len(found) - MAX_ERRORS} more.", code="unknown_field")
            errors[str(api_settings.NON_FIELD_ERRORS_KEY)] = [more]
        return errors

    def _refusal(self, key: object, value: object) -> tuple[str, ErrorDetail | None]:
        field = self.fields.get(key) if isinstance(key, str) else None
        name = echoed(key)
        if field is None:
            writable = [known for known, field in self.fields.items() if not field.read_only]
            text = f"There is no such field.{did_you_mean(name, writable)}"
            return name, ErrorDetail(text, code="unknown_field")
        hidden = field.read_only or isinstance(field, serializers.HiddenField)
        if hidden and options_of(self).refuse_read_only and not self._says_which_row(field, value):
            return name, ErrorDetail("This field cannot be written.", code="read_only")
        return name, None

    def _says_which_row(self, field: Any, value: object) -> bool:
        """Whether `field` is the key of a row that is nested in another one, or of the row itself.

        It is not written: whoever updates nested rows, as drf-writable-nested does, finds by it
        the row that is meant, and then has a serializer of that row alone.
        """
        model = getattr(getattr(self, "Meta", None), "model", None)
        if model is None or field.source not in (model._meta.pk.name, model._meta.pk.attname, "pk"):
            return False
        above: Any = self.parent
        if isinstance(above, serializers.ListSerializer):
            above = above.parent
        own = getattr(self.instance, "pk", None)
        return above is not None or (own is not None and str(own) == str(value))


class StrictSerializer(_Strict):
    """A serializer that refuses fields it does not have, and more items than `Meta.max_items`.

    `Meta.strict_types` refuses what would be converted, such as "1" for a number;
    `Meta.refuse_read_only` refuses read-only fields in the input, which are ignored otherwise.
    """


class StrictModelSerializer(_Strict, serializers.ModelSerializer[Any]):
    """A ModelSerializer that is strict, and makes api_guard's fields of the model's.

    Its `Meta` takes what that of StrictSerializer does. A column with one of api_guard's
    validators becomes the field that the validator names.
    """

    serializer_field_mapping = {**serializers.ModelSerializer.serializer_field_mapping, **FIELDS}
    serializer_related_field = BoundedPrimaryKeyRelatedField
    serializer_choice_field = StrictChoiceField

    def build_standard_field(
        self, field_name: str, model_field: Column[Any, Any]
    ) -> tuple[type[Any], dict[str, Any]]:
        """Return the field for a column, with its bounds."""
        if isinstance(model_field, GeneratedField):
            found, options = self.build_standard_field(field_name, _reckoned(model_field))
            return found, dict(self.include_extra_kwargs(options, {"read_only": True}))
        found, options = super().build_standard_field(field_name, model_field)
        if is_read_only(model_field):
            return found, dict(self.include_extra_kwargs(options, {"read_only": True}))
        inner = inner_of(model_field)
        if inner is not None and not model_field.choices:
            child, of_child = self.build_standard_field("child", inner)
            options |= {"child": child(**of_child), "range_type": model_field.range_type}  # type: ignore[attr-defined]
        return mapped(found, options, model_field)

    def get_unique_for_date_validators(self) -> list[Any]:
        """Return the validators, which are content with a row without a date, as Django is."""
        return [where_dated(each) for each in super().get_unique_for_date_validators()]


def _reckoned(column: Any) -> Column[Any, Any]:
    """Return the column that holds what a generated one is reckoned to."""
    found: Column[Any, Any] = column.output_field.clone()
    found.model = column.model
    found.set_attributes_from_name(column.name)
    return found
