"""Datetimes and durations that every database can store and return."""

from __future__ import annotations

import datetime
from typing import Any

from django.utils import timezone
from rest_framework.fields import DateTimeField, DurationField

# Databases without a duration type store the microseconds in 64 bits.
_LONGEST = datetime.timedelta(microseconds=2**63 - 1)


class BoundedDateTimeField(DateTimeField):
    """A datetime in the years 1 to 9999, also after the conversion to UTC for storage."""

    def to_internal_value(self, value: Any) -> datetime.datetime:
        """Return the datetime. Raises ValidationError."""
        try:
            found = super().to_internal_value(value)
            # Without USE_TZ, it is not converted to UTC.
            if timezone.is_aware(found):
                found.astimezone(datetime.UTC)
        except OverflowError:
            self.fail("overflow")
        return found


class BoundedDurationField(DurationField):
    """A duration of at most 106,751,991 days."""

    def to_internal_value(self, value: Any) -> datetime.timedelta:
        """Return the duration. Raises ValidationError."""
        found = super().to_internal_value(value)
        if abs(found) > _LONGEST:
            self.fail("overflow", min_days=-_LONGEST.days, max_days=_LONGEST.days)
        return found
