"""Finds what is wrong in `settings.API_GUARD`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from django.conf import settings

from api_guard.conf import (
    access,
    bundling,
    credentials,
    ledger,
    noticing,
    oauth,
    parsing,
    rates,
    reporting,
    requests,
    scopes,
    validation,
)
from api_guard.core.names import did_you_mean

RULES = {
    **scopes.RULES,
    **bundling.RULES,
    **access.RULES,
    **requests.RULES,
    **noticing.RULES,
    **oauth.RULES,
    **rates.RULES,
    **credentials.RULES,
    **ledger.RULES,
    **parsing.RULES,
    **validation.RULES,
    **reporting.RULES,
}


@dataclass(frozen=True)
class Mistake:
    """A wrong value: the setting's name, the problem, and the line to write."""

    name: str
    problem: str
    fix: str


def mistakes() -> list[Mistake]:
    """Return all mistakes in `settings.API_GUARD`."""
    values = getattr(settings, "API_GUARD", {})
    if not isinstance(values, Mapping):
        return [Mistake("API_GUARD", "is not a dict", 'API_GUARD = {"SCOPES": {...}}')]
    found = [
        Mistake(
            str(name),
            f"is not a setting of api_guard.{did_you_mean(name, RULES)}",
            f"Remove it, or use one of: {', '.join(RULES)}.",
        )
        for name in values
        if name not in RULES
    ]
    for name, (is_right, problem, fix) in RULES.items():
        if name in values and not is_right(values[name]):
            found.append(Mistake(name, problem, f'API_GUARD["{name}"] = {fix}'))
    found += [
        Mistake(
            "SCOPES",
            f"declares {' and '.join(map(repr, names))}, which differ only in case: MySQL and "
            "MariaDB treat them as one, so they cannot be granted",
            f"Keep one of them, such as {names[0].lower()!r}, and use it in every guard.",
        )
        for names in scopes.scopes_alike()
    ]
    found += [Mistake("SCOPES", flaw, f"Write {fix}.") for flaw, fix in scopes.flaws_of_scopes()]
    found += [Mistake("BUNDLES", flaw, fix) for flaw, fix in bundling.flaws_of_bundles()]
    return found
