"""Finds out if a serializer, form or filter has read a value from a text of the client."""

from __future__ import annotations

import datetime
import uuid
from collections.abc import Callable, Iterable
from contextlib import suppress
from decimal import Decimal
from itertools import islice
from typing import Any

from django import forms
from django.utils.duration import duration_microseconds

# A longer text is neither a number nor a datetime. If there are more texts, none is read.
_LONGEST = 100
_MOST = 1000
_EDGES = (datetime.time.min, datetime.time.max)

Reader = Callable[[str], object]


def is_equal(one: object, other: object) -> bool:
    """Whether two values are equal. Values that cannot be compared are not."""
    with suppress(Exception):
        return bool(one == other)
    return False


class Readings:
    """The values that forms read from some texts, by type. Each type is read on first use."""

    def __init__(self, texts: Iterable[str]) -> None:
        self._texts = list(islice((text for text in texts if 0 < len(text) <= _LONGEST), _MOST))
        self._found: dict[type, set[object]] = {}

    def hold(self, value: object) -> bool:
        """Whether a form reads `value`, which is not text, from one of the texts."""
        if self._hold(value):
            return True
        # A date range filter uses the first or the last moment of a day.
        is_edge = isinstance(value, datetime.datetime) and value.time() in _EDGES
        return is_edge and self._hold(value.date())  # type: ignore[attr-defined]

    def _hold(self, value: object) -> bool:
        for cls, readers in _readers():
            if isinstance(value, cls):
                if cls not in self._found:
                    self._found[cls] = set(self._read(readers))
                # Not every number has a hash.
                with suppress(TypeError):
                    return value in self._found[cls]
        return False

    def _read(self, readers: tuple[Reader, ...]) -> Iterable[object]:
        for text in self._texts:
            for read in readers:
                with suppress(Exception):
                    found = read(text)
                    hash(found)
                    yield found


def _readers() -> tuple[tuple[type[Any], tuple[Reader, ...]], ...]:
    # Not cached: the formats depend on the active language.
    duration = forms.DurationField().to_python
    moment = forms.DateTimeField().to_python

    def microseconds(text: str) -> int:
        """Return a duration as databases without a duration type store it."""
        return duration_microseconds(duration(text))  # type: ignore[arg-type]

    def clock(text: str) -> object:
        found = moment(text)
        return found if found is None else found.replace(tzinfo=None)

    return (
        # A datetime is also a date, so it comes first.
        (datetime.datetime, (moment, clock)),
        (datetime.date, (forms.DateField().to_python,)),
        (datetime.time, (forms.TimeField().to_python,)),
        (datetime.timedelta, (duration,)),
        (uuid.UUID, (uuid.UUID,)),
        (int, (int, microseconds)),
        (float, (float,)),
        (Decimal, (Decimal,)),
    )
