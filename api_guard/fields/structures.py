"""Lists, mappings and JSON of bounded size."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from django.core.exceptions import ValidationError as DjangoValidationError
from django.core.validators import MaxLengthValidator
from django.utils.translation import gettext_lazy as _
from rest_framework.exceptions import ValidationError
from rest_framework.fields import DictField, JSONField, ListField, get_error_detail

from api_guard.core.formats import PlainText
from api_guard.core.structures import JSONLimits
from api_guard.fields.flaws import MAX_ERRORS, echoed, flaws_as_errors, must_be_set

_LIMITS = JSONLimits()


class BoundedJSONField(JSONField):
    """JSON with limits for depth, items, bytes and key length, and numbers of 64 bits."""

    default_error_messages = {"max_bytes": _("The value is too long.")}

    def __init__(
        self,
        *,
        max_depth: int = _LIMITS.max_depth,
        max_items: int = _LIMITS.max_items,
        max_bytes: int = _LIMITS.max_bytes,
        max_key_length: int = _LIMITS.max_key_length,
        **kwargs: Any,
    ) -> None:
        self.limits = JSONLimits(max_depth, max_items, max_bytes, max_key_length)
        kwargs.setdefault("style", {"base_template": "textarea.html"})
        super().__init__(**kwargs)

    def to_internal_value(self, data: Any) -> Any:
        """Return the value. Raises ValidationError."""
        with flaws_as_errors():
            if not getattr(data, "is_json_string", False) and not self.binary:
                # Before DRF serializes it, which recurses to any depth.
                self.limits.refuse_flaw(data)
                return super().to_internal_value(data)
            if not isinstance(data, (str, bytes)):
                self.fail("invalid")
            # Text from a form may be up to four times longer, by spaces and escapes.
            if len(data) > 4 * self.limits.max_bytes:
                self.fail("max_bytes")
            value = self._parsed(data)
            self.limits.refuse_flaw(value)
            return value

    def _parsed(self, data: Any) -> Any:
        try:
            return super().to_internal_value(data)
        except RecursionError as error:
            raise ValidationError(_("The value is nested too deep."), code="too_deep") from error


class BoundedListField(ListField):
    """A list of at most `max_length` items. `max_length` and `child` are required.

    With `rectangular`, all inner lists must have the same length, as in an array of a database.
    """

    max_length: int
    default_error_messages = {"ragged": _("The inner lists must all have the same length.")}

    def __init__(
        self,
        *,
        child: Any = None,
        max_length: int | None = None,
        rectangular: bool = False,
        **kwargs: Any,
    ) -> None:
        self.rectangular = rectangular
        example = "child=PlainTextField(max_length=50), max_length=20"
        length = must_be_set(self, "max_length", max_length, example, kwargs)
        must_be_set(self, "child", None if child is None else 1, example, kwargs)
        super().__init__(child=child, max_length=length, **kwargs)

    def run_child_validation(self, data: Any) -> list[Any]:
        """Validate the items, if there are not too many. Raises ValidationError."""
        if len(data) > self.max_length:
            self.fail("max_length", max_length=self.max_length)
        found = list(_validated(self, enumerate(data)).values())
        if self.rectangular and len({_length(item) for item in found}) > 1:
            self.fail("ragged")
        return found


class BoundedDictField(DictField):
    """A mapping of at most `max_length` keys. `max_length` and `child` are required.

    A key is plain text of at most `max_key_length` characters.
    """

    default_error_messages = {"max_length": _("There are more than {max_length} keys.")}

    def __init__(
        self,
        *,
        child: Any = None,
        max_length: int | None = None,
        max_key_length: int = 100,
        **kwargs: Any,
    ) -> None:
        example = "child=PlainTextField(max_length=50), max_length=20"
        self.max_length = must_be_set(self, "max_length", max_length, example, kwargs)
        must_be_set(self, "child", None if child is None else 1, example, kwargs)
        self.key_format = PlainText(max_key_length)
        super().__init__(child=child, **kwargs)
        # Only for the schema. The keys are counted earlier.
        self.validators.append(MaxLengthValidator(self.max_length))

    def run_child_validation(self, data: Mapping[str, Any]) -> dict[str, Any]:
        """Validate the keys and the values. Raises ValidationError."""
        if len(data) > self.max_length:
            self.fail("max_length", max_length=self.max_length)
        for key in data:
            if not isinstance(key, str):
                self.fail("not_a_dict", input_type=type(key).__name__)
            with flaws_as_errors():
                self.key_format.clean(key)
        return {str(key): value for key, value in _validated(self, data.items()).items()}


def _length(item: object) -> int | None:
    return len(item) if isinstance(item, (list, tuple)) else None


def _validated(
    field: ListField | DictField, items: Iterable[tuple[int | str, Any]]
) -> dict[int | str, Any]:
    """Validate the items with the child field, and stop after ten errors."""
    kept: dict[int | str, Any] = {}
    errors: dict[int | str, Any] = {}
    for key, item in items:
        try:
            kept[key] = field.child.run_validation(item)
        except ValidationError as error:
            errors[key] = error.detail
        except DjangoValidationError as error:
            errors[key] = get_error_detail(error)
        if len(errors) == MAX_ERRORS:
            break
    if errors:
        raise ValidationError({echoed(key): detail for key, detail in errors.items()})
    return kept
