"""`manage.py guard_authority`: lists and changes who manages which scopes."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandError, CommandParser, no_translations

from api_guard import grants
from api_guard.management.failing import GuardCommand
from api_guard.management.naming import add_by, by_of, group_named


class Command(GuardCommand):
    """List, add and remove authorities."""

    help = (
        "Lets the members of a Django group grant and revoke the scopes of a scope group "
        "(API_GUARD['SCOPES'][...]['group']), or all scopes ('*'). Without options, lists them."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Add the options."""
        parser.add_argument("--group", metavar="NAME", help="the Django group of this name")
        parser.add_argument("--scopes", metavar="GROUP", help="the scope group, or '*'")
        parser.add_argument("--remove", action="store_true", help="remove the authority")
        add_by(parser)

    @no_translations
    def handle(self, *args: Any, **options: Any) -> None:
        """List, add or remove. Raises CommandError."""
        del args
        if (options["group"] is None) is not (options["scopes"] is None):
            raise CommandError("Write both --group and --scopes.")
        if options["group"] is None:
            if options["remove"]:
                raise CommandError("Write what to remove: --group and --scopes.")
            rows = [f"{row}." for row in grants.authorities().select_related("group")]
            self.stdout.write("\n".join(rows) or "No group has an authority.")
            return
        group, by = group_named(options["group"]), by_of(options, "guard_authority")
        try:
            if options["remove"]:
                self._remove(options, by)
            else:
                row = grants.authorize(group, options["scopes"], by=by, reason=options["reason"])
                self.stdout.write(f"Added: {row}.")
        except grants.GrantError as error:
            raise CommandError(f"{error} Nothing was changed.") from None

    def _remove(self, options: dict[str, Any], by: grants.By) -> None:
        rows = grants.authorities().select_related("group")
        row = rows.filter(group__name=options["group"], scope_group=options["scopes"]).first()
        if row is None:
            raise CommandError(f"{options['group']} has no authority for {options['scopes']!r}.")
        grants.deauthorize(row, by=by, reason=options["reason"])
        self.stdout.write(f"Removed: {row}.")
