"""`manage.py guard_unused`: lists the grants that nobody uses, and revokes them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from django.core.management.base import CommandError, CommandParser, no_translations
from django.utils import timezone

from api_guard import grants
from api_guard.grants.disused import EVERY_WHY, Unused
from api_guard.management.failing import GuardCommand
from api_guard.management.naming import add_by, by_of

_MOST_DAYS = 3650


class Command(GuardCommand):
    """List, or revoke what is listed."""

    help = (
        "Lists the live grants that were not used for some days, those of inactive users, and "
        "those of scopes that are not declared. It leaves out younger grants, and those that "
        "guard_keep has acknowledged. --revoke revokes what is listed."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Add the options."""
        parser.add_argument(
            "--days", type=int, default=90, metavar="N", help="not used for N days; 90 by default"
        )
        parser.add_argument(
            "--only",
            action="append",
            choices=[why.value for why in grants.Why],
            help="list only these; may be repeated",
        )
        parser.add_argument("--revoke", action="store_true", help="revoke what is listed")
        parser.add_argument("--format", choices=["text", "json"], default="text")
        add_by(parser)

    @no_translations
    def handle(self, *args: Any, **options: Any) -> None:
        """List, and revoke if asked. Raises CommandError."""
        del args
        days = options["days"]
        if not 1 <= days <= _MOST_DAYS:
            raise CommandError(f"--days must be from 1 to {_MOST_DAYS}.")
        only = tuple(grants.Why(name) for name in options["only"] or EVERY_WHY)
        if not options["revoke"]:
            found = grants.unused(days, only=only)
        else:
            by = by_of(options, "guard_unused")
            try:
                found = grants.revoke_unused(days, by=by, reason=options["reason"], only=only)
            except grants.GrantError as error:
                raise CommandError(f"{error} Nothing was revoked.") from None
        show = self._as_json if options["format"] == "json" else self._as_text
        show(found, options["revoke"])

    def _as_text(self, found: Iterator[Unused], is_revoked: bool) -> None:
        count = 0
        for each in found:
            self.stdout.write(str(each))
            count += 1
        since = grants.tracked_since(timezone.now())
        if since is None:
            self.stdout.write("No use was recorded in the last seven days.")
        else:
            self.stdout.write(f"Uses are recorded since {since:%Y-%m-%d %H:%M}.")
        noun = "grant" if count == 1 else "grants"
        if is_revoked:
            self.stdout.write(f"Revoked {count} {noun}.")
        else:
            self.stdout.write(f"{count} {noun}. Nothing was changed. --revoke revokes them.")

    def _as_json(self, found: Iterator[Unused], is_revoked: bool) -> None:
        # Line by line, because there may be many.
        since = grants.tracked_since(timezone.now())
        said = json.dumps(None if since is None else since.isoformat())
        self.stdout.write(f'{{"tracked_since": {said},')
        self.stdout.write(f'"revoked": {json.dumps(is_revoked)}, "grants": [', ending="")
        comma = ""
        for each in found:
            self.stdout.write(f"{comma}\n{json.dumps(each.as_dict())}", ending="")
            comma = ","
        self.stdout.write("\n]}")
