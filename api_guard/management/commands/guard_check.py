"""`manage.py guard_check`: the checks for a person, in the order in which to solve them."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandError, CommandParser, no_translations
from django.db import connections

from api_guard.checks.causes import report
from api_guard.management.causes import as_github, as_json, as_text
from api_guard.management.failing import GuardCommand


class Command(GuardCommand):
    """Print what the checks of api_guard found; fail on errors."""

    # It runs the checks itself, and prints them.
    requires_system_checks: list[str] = []
    help = (
        "Runs the checks of api_guard alone: grouped by cause, each with the line to write, in the "
        "order in which to solve them. Exits with 1 if there are errors."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Add the options."""
        parser.add_argument("--format", choices=["text", "json", "github"], default="text")
        parser.add_argument("--deploy", action="store_true", help="also what a deployment needs")
        parser.add_argument(
            "--database",
            action="append",
            choices=tuple(connections),
            dest="databases",
            help="also what is stored in this database; may be repeated",
        )
        parser.add_argument(
            "--fail-on",
            choices=["error", "warning"],
            default="error",
            help="exit with 1 from this level on; error by default",
        )

    @no_translations
    def handle(self, *args: Any, **options: Any) -> None:
        """Print the report. Raises CommandError."""
        del args
        found = report(deploy=options["deploy"], databases=options["databases"])
        if options["format"] == "json":
            text = as_json(found)
        elif options["format"] == "github":
            text = as_github(found)
        else:
            text = as_text(found, self.style)
        self.stdout.write(text, ending="")
        if found.errors or (options["fail_on"] == "warning" and found.warnings):
            raise CommandError("The checks of api_guard found what to solve.")
