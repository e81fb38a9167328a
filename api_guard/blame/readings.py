"""Whether a value is what a serializer, a form or a filter reads in a text that came."""

from __future__ import annotations

import datetime
import uuid
from collections.abc import Callable, Iterable
from contextlib import suppress
from decimal import Decimal
from typing import Any

from django import forms
from django.utils.duration import duration_microseconds

# What is longer says no number and no moment; of so many texts none is looked at further.
_LONGEST = 100
_MOST = 1000
_EDGES = (datetime.time.min, datetime.time.max)


def is_equal(one: object, other: object) -> bool:
    """Whether two values are equal, as far as they can be compared."""
    with suppress(Exception):
        return bool(one == other)
    return False


def is_read_from(value: object, texts: Iterable[str]) -> bool:
    """Whether a form reads `value`, which is no text, in one of `texts`."""
    if isinstance(value, datetime.datetime) and value.time() in _EDGES:
        # A filter of a range makes the first or the last moment of a day.
        return _is_read(value, texts) or _is_read(value.date(), texts)
    return _is_read(value, texts)


def _is_read(value: object, texts: Iterable[str]) -> bool:
    readers = next((readers for cls, readers in _readers() if isinstance(value, cls)), ())
    count = 0
    for text in texts if readers else ():
        if len(text) > _LONGEST:
            continue
        count += 1
        if count > _MOST:
            break
        if any(_reads(read, text, value) for read in readers):
            return True
    return False


def _reads(read: Callable[[str], object], text: str, value: object) -> bool:
    with suppress(Exception):
        return is_equal(read(text), value)
    return False


def _readers() -> tuple[tuple[type[Any], tuple[Callable[[str], object], ...]], ...]:
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
        # A datetime is a date as well, so it stands before it; bool is no number here.
        (datetime.datetime, (moment, clock)),
        (datetime.date, (forms.DateField().to_python,)),
        (datetime.time, (forms.TimeField().to_python,)),
        (datetime.timedelta, (duration,)),
        (uuid.UUID, (uuid.UUID,)),
        (int, (int, microseconds)),
        (float, (float,)),
        (Decimal, (Decimal,)),
    )
