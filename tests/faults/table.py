"""The one table of all faults, at the end of a run."""

from __future__ import annotations

_PROPERTY = "fault"
_COLUMNS = ("store", "fault", "request", "status", "Retry-After", "seconds", "after it")


def note(record_property, store, fault, request, answer, recovery=""):
    """Note how a request was answered during a fault, and what came of it after."""
    status = f"{answer.status} {answer.code}".strip()
    wait, seconds = answer.retry_after or "", f"{answer.seconds:.2f}"
    add(record_property, store, fault, request, status, wait, seconds, recovery)


def add(record_property, *cells):
    """Note a row that says it in words."""
    record_property(_PROPERTY, [*cells, *[""] * (len(_COLUMNS) - len(cells))])


def rows_of(report):
    """Return what a test noted, which pytest-xdist hands on as plain values."""
    said = getattr(report, "user_properties", ())
    return [value for name, value in said if name == _PROPERTY] if report.when == "call" else []


def show(terminal, rows):
    """Print the rows that there are."""
    if not rows:
        return
    lines = [list(_COLUMNS), *rows]
    widths = [max(len(line[at]) for line in lines) for at in range(len(_COLUMNS))]
    terminal.write_sep("=", "faults")
    for line in lines:
        cells = (cell.ljust(width) for cell, width in zip(line, widths, strict=True))
        terminal.write_line("  ".join(cells).rstrip())
