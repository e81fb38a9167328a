"""Whether a value is what a serializer, a form or a filter reads in a text that came."""

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

# A longer text is neither a number nor a moment. With more texts than this, none is read.
_LONGEST = 100
_MOST = 1000
_EDGES = (datetime.time.min, datetime.time.max)

Reader = Callable[[str], object]


def is_equal(one: object, other: object) -> bool:
    """Whether two values are equal, as far as they can be compared."""
    with suppress(Exception):
        return bool(one == other)
    return False


class Readings:
    """What forms read in some texts, of each type; a type is read when it is first asked for."""

    def __init__(self, texts: Iterable[str]) -> None:
        self._texts = list(islice((text for text in texts if 0 < len(text) <= _LONGEST), _MOST))
        self._found: dict[type, set[object]] = {}

    def hold(self, value: object) -> bool:
        """Whether a form reads `value`, which is no text, in one of the texts."""
        if self._hold(value):
            return True
        # A filter of a range makes the first or the last moment of a day.
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
    # Made anew: the formats are those of the language that is active.
    duration = forms.DurationField().to_python
    moment = forms.DateTimeField().to_python

    def microseconds(text: str) -> int:
        """Return what databases without durations keep of one."""
        return duration_microseconds(duration(text))  # type: ignore[arg-type]

    def clock(text: str) -> object:
        found = moment(text)
        return found if found is None else found.replace(tzinfo=None)

    return (
        # A datetime is a date as well, so it stands before it.
        (datetime.datetime, (moment, clock)),
        (datetime.date, (forms.DateField().to_python,)),
        (datetime.time, (forms.TimeField().to_python,)),
        (datetime.timedelta, (duration,)),
        (uuid.UUID, (uuid.UUID,)),
        (int, (int, microseconds)),
        (float, (float,)),
        (Decimal, (Decimal,)),
    )
