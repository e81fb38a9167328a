"""Ranges of PostgreSQL, as JSON objects."""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext_lazy as _
from rest_framework.exceptions import ValidationError
from rest_framework.fields import DateField, DateTimeField, DecimalField, Field, IntegerField, empty
from rest_framework.utils import html

from api_guard.core.names import did_you_mean
from api_guard.fields.flaws import echoed

_BOUNDS = ("[)", "(]", "()", "[]")
_KEYS = ("lower", "upper", "bounds", "empty")
# The step of discrete ranges. The database stores them in one form: with the lower end, without the
# upper end.
_STEPS: tuple[tuple[type[Any], Any], ...] = (
    (IntegerField, 1),
    (DateTimeField, None),
    (DateField, datetime.timedelta(1)),
)
_SCHEMAS: tuple[tuple[type[Any], dict[str, str]], ...] = (
    (IntegerField, {"type": "integer"}),
    (DecimalField, {"type": "string", "format": "decimal"}),
    (DateTimeField, {"type": "string", "format": "date-time"}),
    (DateField, {"type": "string", "format": "date"}),
)


class BoundedRangeField(Field[Any, Any, Any, Any]):
    """A range: an object with `lower`, `upper` and `bounds`, or `{"empty": true}`.

    A missing end is open. `child` is the field of both ends. `range_type` is a class of psycopg,
    for example NumericRange.
    """

    default_error_messages = {
        "not_a_range": _('This must be an object such as {{"lower": 1, "upper": 5}}.'),
        "unknown_key": _("A range has no {name}.{hint}"),
        "invalid_bounds": _("The bounds must be one of {bounds}."),
        "invalid_empty": _("Empty must be true or false, and an empty range has no ends."),
        "reversed": _("The lower end is above the upper end."),
        "out_of_range": _("The end of the range is too large."),
    }

    def __init__(
        self, *, child: Field[Any, Any, Any, Any], range_type: type[Any], **kwargs: Any
    ) -> None:
        self.child = child
        self.range_type = range_type
        super().__init__(**kwargs)
        parent: Any = self
        child.bind(field_name="", parent=parent)

    @property
    def _spectacular_annotation(self) -> dict[str, Any]:
        """The schema for drf-spectacular."""
        end = next((dict(said) for cls, said in _SCHEMAS if isinstance(self.child, cls)), {})
        bounds = {"type": "string", "enum": list(_BOUNDS), "default": _BOUNDS[0]}
        known = {"lower": end, "upper": end, "bounds": bounds, "empty": {"type": "boolean"}}
        return {"field": {"type": "object", "properties": known, "additionalProperties": False}}

    def get_value(self, dictionary: Mapping[Any, Any]) -> Any:
        """Return the value from JSON, or from `name.lower` and `name.upper` in a form."""
        if html.is_html_input(dictionary):
            found = html.parse_html_dict(dictionary, prefix=str(self.field_name))
            return {key: found[key] for key in found if found[key] != ""} or empty
        return dictionary.get(self.field_name, empty)

    def to_internal_value(self, data: Any) -> Any:
        """Return the range. Raises ValidationError."""
        if not isinstance(data, Mapping):
            self.fail("not_a_range")
        for key in data:
            if key not in _KEYS:
                self.fail("unknown_key", name=echoed(key), hint=did_you_mean(echoed(key), _KEYS))
        said = data.get("empty", False)
        has_ends = any(data.get(key) is not None for key in _KEYS[:3])
        if not isinstance(said, bool) or (said and has_ends):
            self.fail("invalid_empty")
        if said:
            return self.range_type(empty=True)
        bounds = data.get("bounds", _BOUNDS[0])
        if bounds not in _BOUNDS:
            self.fail("invalid_bounds", bounds=", ".join(_BOUNDS))
        lower, upper = self._ends(data)
        if lower is not None and upper is not None and lower > upper:
            self.fail("reversed")
        return self.range_type(*self._in_one_form(lower, upper, bounds))

    def to_representation(self, value: Any) -> dict[str, Any]:
        """Return the object, without keys for open ends."""
        if value.isempty:
            return {"empty": True}
        ends = {"lower": value.lower, "upper": value.upper}
        shown: dict[str, Any] = {
            name: self.child.to_representation(end) for name, end in ends.items() if end is not None
        }
        lower, upper = "[" if value.lower_inc else "(", "]" if value.upper_inc else ")"
        return {**shown, "bounds": lower + upper}

    def _ends(self, data: Mapping[str, Any]) -> tuple[Any, Any]:
        found: dict[str, Any] = {}
        errors: dict[str, Any] = {}
        for name in ("lower", "upper"):
            end = data.get(name)
            try:
                found[name] = None if end is None else self.child.run_validation(end)
            except ValidationError as error:
                errors[name] = error.detail
        if errors:
            raise ValidationError(errors)
        return found["lower"], found["upper"]

    def _in_one_form(self, lower: Any, upper: Any, bounds: str) -> tuple[Any, Any, str]:
        step = next((step for cls, step in _STEPS if isinstance(self.child, cls)), None)
        if step is None:
            return lower, upper, bounds
        most = getattr(self.child, "max_value", None)
        try:
            if lower is not None and bounds[0] == "(":
                lower += step
            if upper is not None and bounds[1] == "]":
                upper += step
        except OverflowError:
            self.fail("out_of_range")
        if most is not None and max(end or 0 for end in (lower, upper)) > most:
            self.fail("out_of_range")
        if lower is not None and upper is not None and lower >= upper:
            return lower, lower, "[)"  # a database stores this as the empty range
        return lower, upper, "[)"
