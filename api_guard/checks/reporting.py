"""Checks of `API_GUARD["REPORT_ONLY"]`."""

from __future__ import annotations

from django.core import checks
from django.core.checks import CheckMessage, Error

from api_guard import conf


def check_report_only(app_configs: object = None, **_: object) -> list[CheckMessage]:
    """E086: refusals are only reported for a time, and other permissions answer meanwhile."""
    del app_configs
    flaw = conf.flaw_of_report_only()
    if flaw is None:
        return []
    return [
        Error(
            f"API_GUARD['REPORT_ONLY'] {flaw}: the guard enforces.",
            hint='API_GUARD["REPORT_ONLY"] = {"from": "2026-12-01", "until": "2027-01-31", '
            '"prefixes": ["/api/"], "fallback": ["rest_framework.permissions.IsAuthenticated"]}',
            id="api_guard.E086",
        )
    ]


def check_reporting(app_configs: object = None, **_: object) -> list[CheckMessage]:
    """W087: the guard enforces everywhere."""
    del app_configs
    found = conf.reports_from()
    if found is None:
        return []
    return [
        checks.Warning(
            f"API_GUARD['REPORT_ONLY'] is set, from {found.first} until {found.last}: below "
            f"{', '.join(found.prefixes)} the guard reports refusals and does not refuse.",
            hint="Grant what `manage.py guard_suggest` proposes. Then remove "
            'API_GUARD["REPORT_ONLY"] from the settings.',
            id="api_guard.W087",
        )
    ]
