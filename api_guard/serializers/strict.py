"""Serializers that refuse unknown fields and check the bounds of every field."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.db.models import Field as Column
from django.db.models import GeneratedField
from django.utils.translation import gettext as _
from rest_framework import serializers
from rest_framework.exceptions import ErrorDetail, ValidationError
from rest_framework.serializers import LIST_SERIALIZER_KWARGS, LIST_SERIALIZER_KWARGS_REMOVE
from rest_framework.settings import api_settings
from rest_framework.utils.html import is_html_input

from api_guard.core.names import did_you_mean
from api_guard.fields import BoundedPrimaryKeyRelatedField, StrictChoiceField
from api_guard.fields.flaws import MAX_ERRORS, echoed
from api_guard.serializers.dates import where_dated
from api_guard.serializers.holding import hold
from api_guard.serializers.lists import BoundedListSerializer
from api_guard.serializers.mapping import FIELDS, inner_of, is_read_only, mapped
from api_guard.serializers.options import options_of

# Extra keys that Django's and DRF's forms send.
_OF_FORMS = frozenset({"csrfmiddlewaretoken"})


class _Strict(serializers.Serializer[Any]):
    """The common part of both strict serializers."""

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        # Otherwise a schema would use the docstring of the base class.
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
        """Return the fields, with checks of their bounds and, if strict, their types."""
        fields = super().get_fields()
        options = options_of(self)
        for field in fields.values():
            hold(field, options)
        return fields

    def to_internal_value(self, data: Any) -> Any:
        """Return the validated fields. Raises ValidationError, also for unknown fields."""
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
        """Whether all keys are known: a fast check for nearly every request."""
        if not isinstance(data, Mapping):
            return True
        # The dict in DRF's mapping of fields: the mapping itself compares much slower.
        fields = getattr(self.fields, "fields", self.fields)
        is_plain = type(data) is dict and data.keys() <= fields.keys()
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
            more = ErrorDetail(_("And %d more.") % (len(found) - MAX_ERRORS), code="unknown_field")
            errors[str(api_settings.NON_FIELD_ERRORS_KEY)] = [more]
        return errors

    def _refusal(self, key: object, value: object) -> tuple[str, ErrorDetail | None]:
        field = self.fields.get(key) if isinstance(key, str) else None
        name = echoed(key)
        if field is None:
            writable = [known for known, field in self.fields.items() if not field.read_only]
            text = _("This field does not exist.") + did_you_mean(name, writable)
            return name, ErrorDetail(text, code="unknown_field")
        hidden = field.read_only or isinstance(field, serializers.HiddenField)
        if hidden and options_of(self).refuse_read_only and not self._says_which_row(field, value):
            return name, ErrorDetail(_("This field cannot be written."), code="read_only")
        return name, None

    def _says_which_row(self, field: Any, value: object) -> bool:
        """Whether `field` is the primary key of a nested row, or of the row itself.

        The key is not written. Packages such as drf-writable-nested use it to find the nested row,
        and then make a serializer for that row.
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
    """A serializer that refuses unknown fields, and more items than `Meta.max_items`.

    `Meta.strict_types` refuses values that need a conversion, such as "1" for a number.
    `Meta.refuse_read_only` refuses read-only fields in the input. By default, they are ignored.
    """


class StrictModelSerializer(_Strict, serializers.ModelSerializer[Any]):
    """A strict ModelSerializer that uses api_guard's fields.

    Its `Meta` has the options of StrictSerializer. For a column with one of api_guard's validators,
    it uses the field of that validator.
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
        """Return the validators, which accept a row without a date, as Django does."""
        return [where_dated(each) for each in super().get_unique_for_date_validators()]


def _reckoned(column: Any) -> Column[Any, Any]:
    """Return the output field of a generated column, as a column of the model."""
    found: Column[Any, Any] = column.output_field.clone()
    found.model = column.model
    found.set_attributes_from_name(column.name)
    return found
