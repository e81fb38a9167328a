"""Judges one exception. Without a proof that a value of the client caused it, it is a bug."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator
from decimal import InvalidOperation
from types import FrameType
from typing import Any

from django.core.exceptions import MultipleObjectsReturned, ValidationError
from django.db import (
    DataError,
    IntegrityError,
    InterfaceError,
    InternalError,
    OperationalError,
    ProgrammingError,
)

from api_guard.input.client_errors.database import (
    is_data_sent,
    is_integrity_sent,
    is_of_value,
    is_out_of_range,
    statement_in,
)
from api_guard.input.client_errors.dates import is_date_missing
from api_guard.input.client_errors.files import is_name_sent
from api_guard.input.client_errors.frames import (
    DRIVERS,
    frames_of,
    library_frames,
    local,
    module_of,
)
from api_guard.input.client_errors.sent import Sent

logger = logging.getLogger("api_guard")

# These are bugs, except in the code of a model field or a form field that got a value of another
# type.
_OF_CODE = (TypeError, AttributeError, LookupError)
# Exceptions that a value can cause.
SUSPECTS: tuple[type[Exception], ...] = (
    OverflowError,
    ValueError,  # UnicodeError with it
    InvalidOperation,
    RecursionError,
    ValidationError,
    MultipleObjectsReturned,
    DataError,
    IntegrityError,
    InterfaceError,
    InternalError,  # only for a mapping that PostgreSQL cannot read
    ProgrammingError,  # only for a value that a driver cannot send, or a broken search
    OperationalError,  # only for a pattern that SQLite cannot read
    *_OF_CODE,
    OSError,  # only for a file name that is too long
)
# The modules of DRF that convert input and output.
_READING = ("rest_framework.fields", "rest_framework.relations", "rest_framework.serializers")
_COLUMNS = ("django.db.models.fields", "django.contrib.postgres.fields")
_FORMS = ("django.forms.fields", "django.forms.widgets")
_CONVERTS = frozenset({"get_db_prep_save", "get_db_prep_value", "get_prep_value", "to_python"})
_CONVERTS |= {"pre_save", "value_from_datadict"}
_READS = frozenset({"run_validation", "run_validators", "to_internal_value", "to_representation"})


def is_of_client(error: Exception, request: Any, view: Any) -> bool:
    """Whether a value of the client caused `error`, in code that only works on values.

    Raises nothing: if it fails for a model, a row or a request, there is no proof.
    """
    try:
        return _is_of_client(error, request, view)
    except Exception:  # fields, validators and values are the project's own code
        logger.debug("The cause of %s could not be found.", type(error).__name__, exc_info=True)
        return False


def _is_of_client(error: Exception, request: Any, view: Any) -> bool:
    sent = Sent(request, view, frames_of(error))
    error = _as_it_came(error)
    frames = library_frames(error)
    if isinstance(error, _OF_CODE):
        converted = list(_values_converted(frames))
        statement = statement_in(frames) if not converted and _is_of_driver(frames) else None
        if statement is not None:
            return is_data_sent(error, statement, frames, sent)
        return is_date_missing(frames) or _is_one_sent(converted, sent)
    if isinstance(error, OSError):
        return is_name_sent(error, frames, sent)
    if isinstance(error, IntegrityError) and not is_out_of_range(error):
        return is_integrity_sent(error, frames, sent)
    if isinstance(error, (InternalError, OperationalError, ProgrammingError)) and not is_of_value(
        error
    ):
        return False
    statement = statement_in(frames)
    if statement is not None:
        return is_data_sent(error, statement, frames, sent)
    return _is_one_sent(_values_read(frames), sent)


def _as_it_came(error: Exception) -> Exception:
    """Return the original TypeError of `create()`, which DRF raises again with another text."""
    first = error.__context__
    if not isinstance(error, TypeError) or not isinstance(first, TypeError):
        return error
    raised = list(frames_of(error))[-1]
    is_anew = module_of(raised) == "rest_framework.serializers"
    return first if is_anew and raised.f_code.co_name == "create" else error


def _is_of_driver(frames: list[FrameType]) -> bool:
    return bool(frames) and module_of(frames[-1]).split(".")[0] in DRIVERS


def _is_one_sent(values: Iterable[tuple[tuple[str, ...], object]], sent: Sent) -> bool:
    """Whether the client sent one of these values. Libraries read the inner ones from the outer."""
    return any(sent.holds_read(names, value) for names, value in values)


def _values_converted(frames: list[FrameType]) -> Iterator[tuple[tuple[str, ...], object]]:
    """Yield the values that model fields and form fields were converting, with their names."""
    for frame in reversed(frames):
        is_field = module_of(frame).startswith((*_COLUMNS, *_FORMS))
        if is_field and frame.f_code.co_name in _CONVERTS:
            # pre_save() of a file takes its value from the row.
            yield _names_of(local(frame, "self")), local(frame, "value", "file")


def _values_read(frames: list[FrameType]) -> Iterator[tuple[tuple[str, ...], object]]:
    """Yield the values that fields of DRF or of models were reading, with their names."""
    for frame in reversed(frames):
        module, function = module_of(frame), frame.f_code.co_name
        owner = local(frame, "self")
        if module.startswith("django.db.models.lookups"):
            column = getattr(getattr(owner, "lhs", None), "target", None)
            yield _names_of(column), getattr(owner, "rhs", None)
        elif module.startswith(_COLUMNS):
            # A composite primary key consists of several values.
            yield _names_of(getattr(owner, "field", owner)), local(frame, "value", "values")
        elif module in _READING and function in _READS:
            yield (), local(frame, "data", "value")


def _names_of(column: object) -> tuple[str, ...]:
    """Return the names of a model field. Inner fields and form fields have none."""
    names = (getattr(column, "name", None), getattr(column, "attname", None))
    return tuple(name for name in names if isinstance(name, str))
