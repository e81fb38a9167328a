"""Numbers in plain digits, with bounds that fit into the database."""

from __future__ import annotations

import math
from decimal import Decimal
from typing import Any

from django.utils.translation import gettext_lazy as _
from rest_framework.fields import BigIntegerField, DecimalField, Field, FloatField, IntegerField

from api_guard.core.numbers import is_plain_decimal, is_plain_float, is_plain_integer
from api_guard.core.structures import MAX_INTEGER
from api_guard.exceptions import GuardError


class BoundedIntegerField(IntegerField):
    """An integer of 64 bits, or from `min_value` to `max_value`. It refuses "٣" and "1_000"."""

    def __init__(self, **kwargs: Any) -> None:
        kwargs.setdefault("min_value", -MAX_INTEGER - 1)
        kwargs.setdefault("max_value", MAX_INTEGER)
        super().__init__(**kwargs)

    def to_internal_value(self, data: Any) -> int:
        """Return the integer. Raises ValidationError."""
        _refuse_odd_number(self, data, plain=isinstance(data, str) and is_plain_integer(data))
        return super().to_internal_value(data)


class BoundedBigIntegerField(BoundedIntegerField, BigIntegerField):
    """An integer of 64 bits. With `COERCE_BIGINT_TO_STRING`, the output is text."""


class BoundedFloatField(FloatField):
    """A finite number. It refuses "nan", "1_0.5" and true."""

    default_error_messages = {"not_finite": _("The number is not finite.")}

    def to_internal_value(self, data: Any) -> float:
        """Return the number. Raises ValidationError."""
        _refuse_odd_number(self, data, plain=isinstance(data, str) and is_plain_float(data))
        if not isinstance(data, int) and not math.isfinite(float(data)):
            self.fail("not_finite")
        return super().to_internal_value(data)


class BoundedDecimalField(DecimalField):
    """A decimal with at most `max_digits`, of which `decimal_places` are after the point.

    Raises GuardError if one of them is missing.
    """

    def __init__(
        self, *, max_digits: int | None = None, decimal_places: int | None = None, **kwargs: Any
    ) -> None:
        if max_digits is None or decimal_places is None:
            raise GuardError(
                "BoundedDecimalField needs max_digits and decimal_places. Write: "
                "BoundedDecimalField(max_digits=10, decimal_places=2)"
            )
        super().__init__(max_digits=max_digits, decimal_places=decimal_places, **kwargs)

    def to_internal_value(self, data: Any) -> Decimal:
        """Return the decimal. Raises ValidationError."""
        if not isinstance(data, Decimal):
            _refuse_odd_number(self, data, plain=isinstance(data, str) and is_plain_decimal(data))
        return super().to_internal_value(data)


def _refuse_odd_number(field: Field[Any, Any, Any, Any], data: object, *, plain: bool) -> None:
    is_number = isinstance(data, (int, float)) and not isinstance(data, bool)
    if not plain and not is_number:
        field.fail("invalid")
