"""`manage.py guard_who`: who holds a scope, or may make a request, and through what."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any

from django.core.management.base import CommandError, CommandParser, no_translations

from api_guard import conf
from api_guard.core.names import did_you_mean
from api_guard.explain import can, who_can
from api_guard.management.failing import GuardCommand


class Command(GuardCommand):
    """Print a line for each user and client."""

    # It must also work while the checks report errors.
    requires_system_checks: list[str] = []
    help = (
        "Lists who holds a scope (`guard_who notes:read`) or who meets the requirement of an "
        "operation (`guard_who GET /notes/1/`), and through which grant: its own, a group's or "
        "everyone's."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Add the options."""
        parser.add_argument("scope", metavar="SCOPE | METHOD PATH", nargs="+")
        parser.add_argument("--urlconf", help="another URLconf than ROOT_URLCONF")
        parser.add_argument("--format", choices=["text", "json"], default="text")
        parser.add_argument(
            "--most", type=int, metavar="N", default=1000, help="list at most so many of each kind"
        )

    @no_translations
    def handle(self, *args: Any, **options: Any) -> None:
        """List them. Raises CommandError."""
        del args
        asked, most = options["scope"], options["most"]
        if most < 1:
            raise CommandError("--most must be 1 or more.")
        if len(asked) == 1:
            [scope] = asked
            if scope not in conf.scopes():
                hint = did_you_mean(scope, conf.scopes())
                raise CommandError(f"{scope!r} is not declared in API_GUARD['SCOPES'].{hint}")
            found = list(can(scope, most))
        elif len(asked) == 2:
            method, path = asked
            if not method:
                raise CommandError("Write a method, as in: guard_who GET /notes/1/")
            try:
                found = list(who_can(method.upper(), path, most, options["urlconf"]))
            except LookupError as error:
                raise CommandError(str(error)) from None
        else:
            raise CommandError("Write: guard_who SCOPE, or guard_who METHOD PATH")
        if options["format"] == "json":
            self.stdout.write(json.dumps([asdict(each) for each in found], indent=2))
            return
        for each in found:
            self.stdout.write(str(each))
        if not found:
            self.stdout.write("Nobody.")
