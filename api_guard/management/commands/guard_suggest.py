"""`manage.py guard_suggest`: the grants that the refusals in a log needed."""

from __future__ import annotations

import json
from typing import Any

from django.core.management.base import CommandError, CommandParser, no_translations

from api_guard.explain.suggesting import Log, Suggestion, suggest
from api_guard.management.failing import GuardCommand
from api_guard.management.naming import group_named
from api_guard.management.reading import lines_of


class Command(GuardCommand):
    """Print the fewest grants that would have allowed the refused requests."""

    # It grants nothing. It must also work while the checks report errors.
    requires_system_checks: list[str] = []
    help = (
        "Suggests the fewest grants that would have allowed the refused requests in the log of "
        "decisions. It grants nothing, and does not suggest sensitive scopes."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Add the options."""
        parser.add_argument("log", help="the log api_guard.decisions; - for stdin")
        parser.add_argument("--format", choices=["text", "json"], default="text")
        parser.add_argument(
            "--group",
            action="append",
            default=[],
            metavar="NAME",
            help="a group that may get a scope even if not all members needed it; may be repeated",
        )

    @no_translations
    def handle(self, *args: Any, **options: Any) -> None:
        """Read the log, and print. Raises CommandError."""
        del args
        wanted = [group_named(name).name for name in options["group"]]
        found = self._suggested(options["log"], wanted)
        if options["format"] == "json":
            self.stdout.write(json.dumps(found.as_dict(), indent=2))
        else:
            self.stdout.write(found.as_text(), ending="")

    def _suggested(self, name: str, wanted: list[str]) -> Suggestion:
        with lines_of(name) as lines:
            log = Log(lines)
            found = suggest(log, wanted)
        if log.unsigned:
            said = f"Decisions not signed with this SECRET_KEY in {name}: {log.unsigned}"
            if not log.signed:
                # To say that nothing is to grant would be wrong.
                raise CommandError(f"{said}, and there are no others.")
            self.stderr.write(f"{said}. They are left out.")
        return found
