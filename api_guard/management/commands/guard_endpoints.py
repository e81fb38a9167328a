"""`manage.py guard_endpoints`: the whole API on one page."""

from __future__ import annotations

import difflib
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.core.management.base import CommandError, CommandParser, no_translations

from api_guard.access.endpoints import (
    FORMATS,
    Status,
    collapsed,
    endpoints,
    listing,
    uses_of_unheld,
)
from api_guard.management.failing import GuardCommand
from api_guard.management.reading import text_of
from api_guard.testing.probes import probe

_OF_THE_LISTING = ("fail_on", "diff", "only", "collapse")


class Command(GuardCommand):
    """Print what every endpoint requires; fail on unwanted endpoints."""

    # It must also show endpoints with check errors.
    requires_system_checks: list[str] = []
    help = (
        "Lists every endpoint of the API: method, path, view, requirement, rates, object rule and "
        "status."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Add the options."""
        parser.add_argument("--format", choices=FORMATS, default="table")
        parser.add_argument("--urlconf", help="another URLconf than ROOT_URLCONF")
        parser.add_argument(
            "--fail-on",
            metavar="STATUS,...",
            default="",
            help=f"exit with 1 if an endpoint is one of: {', '.join(s.value for s in Status)}",
        )
        parser.add_argument(
            "--only", metavar="STATUS,...", default="", help="list only endpoints of these"
        )
        parser.add_argument("--collapse", action="store_true", help="one row for each view")
        parser.add_argument(
            "--diff",
            metavar="FILE",
            help="compare with a listing in this file; exit with 1 if it differs",
        )
        parser.add_argument(
            "--probe",
            action="store_true",
            help="call every endpoint, with its handlers replaced, anonymously and as a user "
            "without grants; exit with 1 if such a call reaches a handler that it must not reach",
        )

        parser.add_argument(
            "--unheld",
            action="store_true",
            help="list every `with unheld(...)` in the project's apps: place, models, reason",
        )

    @no_translations
    def handle(self, *args: Any, **options: Any) -> None:
        """Print, compare or probe."""
        del args
        unwanted = _statuses("--fail-on", options["fail_on"])
        wanted = _statuses("--only", options["only"])
        if options["unheld"]:
            for use in uses_of_unheld():
                self.stdout.write(f"{use.place}  {use.models}  {use.why}")
            return
        if options["probe"]:
            if any(options[name] for name in _OF_THE_LISTING) or options["format"] != "table":
                raise CommandError("--probe cannot be combined with options of the listing.")
            self._probe(options["urlconf"])
            return
        found = list(endpoints(options["urlconf"]))
        listed = [each for each in found if not wanted or each.status.value in wanted]
        rows = collapsed(listed) if options["collapse"] else listing(listed)
        text = FORMATS[options["format"]](rows)
        if options["diff"]:
            self._compare(options["diff"], text)
        else:
            self.stdout.write(text, ending="")
        refused = [
            f"{row.method} {row.path} is {row.status}"
            for row in listing(found)
            if row.status in unwanted
        ]
        if refused:
            raise CommandError("\n".join(refused))

    def _compare(self, path: str, text: str) -> None:
        kept = text_of(path)
        names = {"fromfile": path, "tofile": "now", "n": 0}
        lines = list(
            difflib.unified_diff(kept.splitlines(True), text.splitlines(True), **names)  # type: ignore[arg-type]
        )
        self.stdout.writelines(lines)
        if lines:
            raise CommandError(f"The endpoints differ from {path}.")

    def _probe(self, urlconf: str | None) -> None:
        leaks = unclear = 0
        with _without_decisions():
            for finding in probe(urlconf):
                leaks += finding.is_leak
                unclear += not finding.is_clear
                verdict = "LEAK" if finding.is_leak else "ok" if finding.is_clear else "?"
                callers = f"anonymous {finding.anonymous}, without grants {finding.grantless}"
                self.stdout.write(
                    f"{verdict:5} {finding.method:8} {finding.path}  {callers}  {finding.view}"
                )
        if unclear:
            self.stdout.write(f"{unclear} answers (?) do not show whether the guard refuses.")
        if leaks:
            raise CommandError(f"{leaks} operations reached their handlers, and must not.")


@contextmanager
def _without_decisions() -> Iterator[None]:
    """Log no decisions: whoever counts refusals would count those of no caller."""
    logger = logging.getLogger("api_guard.decisions")
    before, logger.disabled = logger.disabled, True
    try:
        yield
    finally:
        logger.disabled = before


def _statuses(option: str, text: str) -> set[str]:
    asked = {name.strip() for name in text.split(",") if name.strip()}
    unknown = asked - {status.value for status in Status}
    if unknown:
        known = ", ".join(status.value for status in Status)
        raise CommandError(
            f"{option}: {', '.join(sorted(unknown))} is not a status. These are: {known}."
        )
    return asked
