"""`manage.py guard_keep`: acknowledges grants that are not used, until a date."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.core.management.base import CommandError, CommandParser, no_translations

from api_guard import grants
from api_guard.management.failing import GuardCommand
from api_guard.management.naming import add_by, by_of, moment_of
from api_guard.models import ScopeGrant


class Command(GuardCommand):
    """Acknowledge grants by their number."""

    help = "Keeps grants until a date: guard_unused does not list them before. It gives no access."

    def add_arguments(self, parser: CommandParser) -> None:
        """Add the options."""
        parser.add_argument(
            "grants", nargs="+", type=int, metavar="GRANT", help="a number that guard_unused shows"
        )
        until = parser.add_mutually_exclusive_group(required=True)
        until.add_argument("--until", metavar="DATE", help="2027-01-31, or with a time")
        until.add_argument("--end", action="store_true", help="keep them no longer")
        add_by(parser)

    @no_translations
    def handle(self, *args: Any, **options: Any) -> None:
        """Keep them. Raises CommandError at the end if some could not be kept."""
        del args
        until = None if options["end"] else moment_of(options["until"])
        by = by_of(options, "guard_keep")
        failures = []
        for number in dict.fromkeys(options["grants"]):
            try:
                self.stdout.write(_keep(number, until, by, options["reason"]))
            except grants.GrantError as error:
                failures.append(f"grant {number}: {error}")
            except ScopeGrant.DoesNotExist:
                failures.append(f"grant {number} does not exist.")
        if failures:
            raise CommandError("\n".join(failures))


def _keep(number: int, until: datetime | None, by: grants.By, reason: str) -> str:
    row = grants.keep(grants.get(number), until=until, by=by, reason=reason)
    said = "no longer kept" if until is None else f"kept until {until:%Y-%m-%d %H:%M}"
    return f"grant {number}: {row} is {said}."
