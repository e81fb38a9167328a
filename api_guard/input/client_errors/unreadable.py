"""Values that a database can store but Django cannot read again: they would break pages."""

from __future__ import annotations

import datetime
import logging
from collections.abc import Iterator
from contextlib import suppress
from decimal import Decimal, InvalidOperation
from itertools import islice
from types import FrameType
from typing import Any

from django.conf import settings
from django.db.models import BinaryField, DateTimeField, DecimalField, Field
from django.db.models.sql.compiler import SQLInsertCompiler, SQLUpdateCompiler
from django.utils import timezone

from api_guard.input.client_errors.frames import local
from api_guard.input.client_errors.sent import Sent

logger = logging.getLogger("api_guard")

_DEEPEST = 40
_JUDGED = (BinaryField, DateTimeField, DecimalField)
# Some drivers store other values in a binary column, as a number or as text.
_BYTES = (bytes, bytearray, memoryview, str)


class UnreadableError(ValueError):
    """A value of the client was about to be saved, but Django could not read it again."""


def unreadable_of_client(frame: FrameType, request: Any, view: Any) -> str | None:
    """Return the name of a field whose value cannot be read again, if the client sent the value.

    `frame` is about to execute the statement. Raises nothing.
    """
    try:
        for field, value in _stored_from(frame):
            if _is_unreadable(field, value):
                sent = Sent(request, view, _above(frame))
                if sent.holds_as((field.name, field.attname), value):
                    return str(field.name)
    except Exception:  # values, fields and models are the project's own code
        logger.debug("The values of a statement could not be checked.", exc_info=True)
    return None


def _above(frame: FrameType | None) -> Iterator[FrameType]:
    while frame is not None:
        yield frame
        frame = frame.f_back


def _stored_from(frame: FrameType) -> Iterator[tuple[Field[Any, Any], object]]:
    for each in islice(_above(frame), _DEEPEST):
        compiler = local(each, "self") if each.f_code.co_name == "execute_sql" else None
        if isinstance(compiler, SQLInsertCompiler):
            query: Any = compiler.query
            judged = [field for field in query.fields or () if _may_be_unreadable(field)]
            for row in query.objs if judged else ():
                held = vars(row)
                yield from ((field, held.get(field.attname)) for field in judged)
            return
        if isinstance(compiler, SQLUpdateCompiler):
            values: Any = getattr(compiler.query, "values", ())
            yield from ((field, value) for field, _, value in values if _may_be_unreadable(field))
            return


def _may_be_unreadable(field: Any) -> bool:
    inner = getattr(field, "base_field", None)
    is_plain = isinstance(field, _JUDGED) or hasattr(field, "range_type")
    return is_plain or (isinstance(inner, Field) and _may_be_unreadable(inner))


def _is_unreadable(field: Any, value: Any) -> bool:
    inner = getattr(field, "base_field", None)
    if hasattr(field, "range_type"):
        ends = (getattr(value, "lower", None), getattr(value, "upper", None))
        # A database stores a range of days with an exclusive end, which is the next day.
        past = ends[1] == datetime.date.max and getattr(value, "upper_inc", False) is True
        return past or any(_is_past(end) for end in ends)
    if isinstance(inner, Field):
        several = value if isinstance(value, (list, tuple)) else ()
        return any(_is_unreadable(inner, each) for each in several)
    if value is None or hasattr(value, "resolve_expression"):
        return False
    if isinstance(field, BinaryField):
        return not isinstance(value, _BYTES)
    with suppress(Exception):
        read = field.to_python(value)
        return _is_past(read) if isinstance(field, DateTimeField) else _is_too_long(field, read)
    return False  # Django refuses it


def _is_past(value: object) -> bool:
    """Whether a datetime is outside of Python's years after the conversion to UTC."""
    if not isinstance(value, datetime.datetime):
        return False
    if timezone.is_naive(value) and not settings.USE_TZ:
        return False  # it is not converted
    try:
        aware = value if timezone.is_aware(value) else timezone.make_aware(value)
        aware.astimezone(datetime.UTC)
    except OverflowError:
        return True
    return False


def _is_too_long(field: Any, value: Decimal) -> bool:
    """Whether a decimal has too many digits for Django. SQLite stores it anyway."""
    if field.max_digits is None or field.decimal_places is None:
        return False
    try:
        value.quantize(Decimal(1).scaleb(-field.decimal_places), context=field.context)
    except InvalidOperation:
        return True
    return False
