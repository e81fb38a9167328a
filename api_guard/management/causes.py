"""Writes what the checks found: for a person, as JSON, and as annotations of GitHub."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Iterator
from dataclasses import asdict

from django.core.management.color import Style

from api_guard.access.endpoints import Status, endpoints
from api_guard.adoption.named import Place, place_of
from api_guard.checks.causes import Cause, Report
from api_guard.checks.steps import Step

_WIDTH = 100
_BEFORE_THE_REST = (Step.INSTALL, Step.VIEWS)


def as_text(report: Report, style: Style) -> str:
    """Write the causes under their steps, each with the line to write, and what comes next."""
    lines: list[str] = []
    heading = ""
    for number, cause in enumerate(report.causes, start=1):
        kind = "Error" if cause.is_error else "Warning"
        if heading != (heading := f"{kind}s: {cause.step.value}"):
            colour = style.ERROR if cause.is_error else style.WARNING
            lines += ["", colour(heading)]
        lines += _told(number, cause, style)
    return "\n".join([*lines[1:], *([""] if lines else []), *_closing(report, style), ""])


def _told(number: int, cause: Cause, style: Style) -> Iterator[str]:
    head = f"{number:>3}. {cause.id.removeprefix('api_guard.')}  "
    blank = " " * len(head)
    bullet = "- " if len(cause.messages) > 1 else ""
    for position, message in enumerate(cause.messages):
        first = f"{blank if position else head}{bullet}"
        rest = " " * len(first)
        # A message may have lines of its own, such as names by module.
        for line in message.splitlines():
            yield textwrap.fill(
                line, _WIDTH, initial_indent=first, subsequent_indent=rest, break_on_hyphens=False
            )
            first = rest
    # One line, so that it can be copied.
    if cause.fix:
        yield f"{blank}{style.SUCCESS('Fix:')} {cause.fix}"


def _closing(report: Report, style: Style) -> Iterator[str]:
    if report.silenced:
        yield f"{report.silenced} more are silenced by SILENCED_SYSTEM_CHECKS."
    if not report.causes:
        yield style.SUCCESS(f"All is well: {_views()}.")
        yield "Next: manage.py migrate creates the tables, manage.py guard_endpoints lists what"
        yield "each view requires, manage.py guard_check --deploy checks what a deployment needs."
        return
    yield f"{_counted(report.errors, 'error')}, {_counted(report.warnings, 'warning')}."
    first = report.causes[0]
    if any(cause.is_error and cause.step in _BEFORE_THE_REST for cause in report.causes):
        yield f"Next: {first.step.value}, then run this again. More checks look at a view when it"
        yield "has a guard: of its scopes, operations, objects and rates."
        yield "manage.py guard_init proposes settings and guards as one patch."
    else:
        yield f"Next: {first.step.value}, from number 1 on, then run this again."


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def _views() -> str:
    views: dict[Status, set[str]] = {}
    for endpoint in endpoints():
        views.setdefault(endpoint.status, set()).add(endpoint.view)
    # A view with a public operation and a guarded one is guarded.
    views[Status.PUBLIC] = views.get(Status.PUBLIC, set()) - views.get(Status.GUARDED, set())
    counts = [
        f"{_counted(len(views.get(status, ())), 'view')} {status.value}"
        for status in (Status.GUARDED, Status.PUBLIC, Status.EXEMPT)
    ]
    return ", ".join(counts)


def as_json(report: Report) -> str:
    """Write the report as an object, each cause with the places of its messages."""
    causes = [
        {
            "id": cause.id,
            "level": "error" if cause.is_error else "warning",
            "step": cause.step.value,
            "fix": cause.fix,
            "messages": [
                {"text": text, "place": None if place is None else asdict(place)}
                for text, place in _places(cause)
            ],
        }
        for cause in report.causes
    ]
    counts = {"errors": report.errors, "warnings": report.warnings, "silenced": report.silenced}
    return json.dumps({**counts, "causes": causes}, indent=2) + "\n"


def as_github(report: Report) -> str:
    """Write a workflow command for each message: GitHub shows it beside the line it names."""
    return "".join(
        f"::{'error' if cause.is_error else 'warning'} "
        f"{_properties(cause, place)}::{_data(f'{text} Fix: {cause.fix}' if cause.fix else text)}\n"
        for cause in report.causes
        for text, place in _places(cause)
    )


def _places(cause: Cause) -> Iterator[tuple[str, Place | None]]:
    for text in cause.messages:
        yield text, place_of(text) or place_of(cause.fix)


def _properties(cause: Cause, place: Place | None) -> str:
    where = "" if place is None else f"file={_property(place.file)},line={place.line},"
    return f"{where}title={cause.id}"


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
