"""When and where refusals are only reported: `API_GUARD["REPORT_ONLY"]`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

MOST_DAYS = 90
_KEYS = {"from", "until", "prefixes", "fallback"}


class ReportOnlyError(ValueError):
    """A value that is wrong; the text says why."""


@dataclass(frozen=True)
class ReportOnly:
    """The first and the last day, the paths, and the dotted paths of the permission classes."""

    first: date
    last: date
    prefixes: tuple[str, ...]
    fallback: tuple[str, ...]

    @classmethod
    def parse(cls, value: object) -> ReportOnly:
        """Return what a setting says. Raises ReportOnlyError for any mistake."""
        if not isinstance(value, Mapping) or set(value) != _KEYS:
            raise ReportOnlyError(f"needs exactly these keys: {', '.join(sorted(_KEYS))}")
        first, last = _day(value, "from"), _day(value, "until")
        if last < first:
            raise ReportOnlyError("ends before it begins")
        if (last - first).days >= MOST_DAYS:
            raise ReportOnlyError(f"is longer than {MOST_DAYS} days")
        prefixes = _texts(value, "prefixes")
        if not all(text.startswith("/") for text in prefixes):
            raise ReportOnlyError("needs prefixes that begin with a slash")
        return cls(first, last, prefixes, _texts(value, "fallback"))

    def covers(self, today: date, path: str) -> bool:
        """Whether refusals of this path are only reported today."""
        return self.first <= today <= self.last and any(
            f"{path}/".startswith(f"{prefix.rstrip('/')}/") for prefix in self.prefixes
        )


def _day(value: Mapping[object, object], key: str) -> date:
    text = value[key]
    try:
        # Not any other form that ISO 8601 has.
        if isinstance(text, str) and date.fromisoformat(text).isoformat() == text:
            return date.fromisoformat(text)
    except ValueError:
        pass
    raise ReportOnlyError(f'needs a date such as "2026-12-01" as {key!r}')


def _texts(value: Mapping[object, object], key: str) -> tuple[str, ...]:
    texts = value[key]
    if isinstance(texts, (list, tuple)) and texts and all(isinstance(t, str) and t for t in texts):
        return tuple(texts)
    raise ReportOnlyError(f"needs a list of texts, not empty, as {key!r}")
