"""The rates in use, in words: of the whole API, of a budget, or of an endpoint by its path."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from api_guard.access.endpoints import rates_in_use, routes
from api_guard.access.endpoints.views import dotted_path
from api_guard.core.rates import CEILING, Rate, override_name

_API, _BUDGETS, _ENDPOINTS = range(3)
_HEADINGS = (
    gettext_lazy("The whole API"),
    gettext_lazy("Budgets of several endpoints"),
    gettext_lazy("Endpoints"),
)
_SLOTS = {"read": gettext_lazy("reading"), "write": gettext_lazy("writing")}
# Of many paths to one view, so many are named.
_PATHS = 2


@dataclass(frozen=True)
class RateWords:
    """A rate that can be overridden. `where` names what is counted, `limits` the rates in code."""

    heading: int
    where: str
    limits: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.where}: {', '.join(self.limits)}"


def rates_in_words() -> dict[str, RateWords]:
    """Return the rates in use by the name of their override. It walks every route."""
    paths: dict[str, list[str]] = {}
    for path, view_class in [(route.path, route.view_class) for route in routes()]:
        place = "" if view_class is None else dotted_path(view_class)
        paths.setdefault(place, []).append(path)
    found: dict[str, RateWords] = {}
    for rate, place, view in rates_in_use():
        name, said = override_name(rate, view), in_words(rate)
        known = found.get(name)
        heading, where = (known.heading, known.where) if known else _where(rate, place, view, paths)
        limits = (*known.limits, said) if known else (said,)
        found[name] = RateWords(heading, where, tuple(dict.fromkeys(limits)))
    return found


def choices_of(found: dict[str, RateWords]) -> list[tuple[Any, Any]]:
    """Return the rates for a select, under their headings."""
    choices: list[tuple[Any, Any]] = []
    for heading, title in enumerate(_HEADINGS):
        names = [(name, str(each)) for name, each in found.items() if each.heading == heading]
        if names:
            choices.append((title, sorted(names, key=lambda pair: pair[1])))
    return choices


def in_words(rate: Rate, limit: int | None = None) -> str:
    """Return a rate as a person says it: "100 per 15 minutes"."""
    number = rate.limit if limit is None else limit
    seconds = rate.seconds
    size = next(size for size in (86400, 3600, 60, 1) if seconds % size == 0)
    count = seconds // size
    said = {
        86400: ngettext("day", "%(count)d days", count),
        3600: ngettext("hour", "%(count)d hours", count),
        60: ngettext("minute", "%(count)d minutes", count),
        1: ngettext("second", "%(count)d seconds", count),
    }
    period = said[size] % {"count": count}
    return _("%(number)d per %(period)s") % {"number": number, "period": period}


def limit_in_words(name: str, limit: int) -> str:
    """Return the limit of an override, with the period that its name ends with."""
    _name, _slash, period = name.rpartition("/")
    try:
        return in_words(Rate.parse(f"1/{period}"), limit)
    except ValueError:
        return f"{limit}/{period}"  # SQL has written it


def _where(rate: Rate, place: str, view: str, paths: dict[str, list[str]]) -> tuple[int, str]:
    if rate.budget == CEILING:
        return _API, _("the whole API")
    if rate.budget:
        return _BUDGETS, rate.budget
    found = list(dict.fromkeys(paths.get(place, ())))
    where = ", ".join(found[:_PATHS])
    if len(found) > _PATHS:
        more = len(found) - _PATHS
        said = ngettext("%(paths)s and %(count)d more", "%(paths)s and %(count)d more", more)
        where = said % {"paths": where, "count": more}
    _view, _colon, slot = view.removeprefix(place).partition(":")
    return _ENDPOINTS, f"{where} ({_SLOTS.get(slot, slot)})" if slot else where
