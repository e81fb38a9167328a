"""The setting for a step-by-step rollout: which refusals are only reported, and until when."""

from __future__ import annotations

from inspect import iscoroutinefunction
from typing import Any

from django.utils import timezone
from django.utils.module_loading import import_string

from api_guard.conf.values import Rule, read
from api_guard.core.report_only import ReportOnly, ReportOnlyError

_NAME = "REPORT_ONLY"


def report_only(path: str) -> ReportOnly | None:
    """What is only reported at `path` today; None if the guard enforces.

    An invalid value enforces. Days are in `TIME_ZONE`, not in the time zone of a user.
    """
    try:
        found = _parsed()
    except ReportOnlyError:
        return None
    today = timezone.localdate(timezone=timezone.get_default_timezone())
    return found if found.covers(today, path) else None


def reports_from() -> ReportOnly | None:
    """The setting, on any day; None if it is invalid or not set."""
    try:
        return None if read(_NAME) is None else _parsed()
    except ReportOnlyError:
        return None


def flaw_of_report_only() -> str | None:
    """Why the setting is invalid; None if it is valid or not set."""
    try:
        if read(_NAME) is not None:
            _parsed()
    except ReportOnlyError as error:
        return str(error)
    return None


def fallback_classes(found: ReportOnly) -> tuple[Any, ...]:
    """Return the permission classes. Raises ReportOnlyError."""
    return tuple(map(_permission, found.fallback))


def _parsed() -> ReportOnly:
    found = ReportOnly.parse(read(_NAME))
    fallback_classes(found)
    return found


def _permission(name: str) -> Any:
    try:
        found = import_string(name)
    except Exception as error:  # noqa: BLE001  # importing a project's module may raise anything
        raise ReportOnlyError(f"names {name!r}, which cannot be imported: {error}") from None
    asks = getattr(found, "has_permission", None)
    if not isinstance(found, type) or not callable(asks) or iscoroutinefunction(asks):
        raise ReportOnlyError(f"names {name!r}, which is not a permission class")
    if any(cls.__module__.partition(".")[0] == "api_guard" for cls in found.__mro__):
        raise ReportOnlyError(f"names {name!r}: name the classes that were the default before")
    return found


# A separate check reports the mistake.
RULES: dict[str, Rule] = {_NAME: (lambda value: value is not None, "is None", "{...}")}
