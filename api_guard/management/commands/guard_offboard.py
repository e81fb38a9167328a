"""`manage.py guard_offboard`: ends all access of a user who leaves."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser, no_translations
from django.db import models

from api_guard import grants, offboarding
from api_guard.management.naming import add_by, by_of, user_named


class Command(BaseCommand):
    """Show what a user has, or end it."""

    help = (
        "Lists everything by which a user has access. --apply ends it, all of it or nothing. The "
        "clients that the user owns get a new owner."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Add the options."""
        parser.add_argument("user", metavar="USER", help="the user of this name")
        parser.add_argument("--apply", action="store_true", help="end it")
        parser.add_argument(
            "--new-owner", metavar="NAME", help="the new owner of the user's clients"
        )
        parser.add_argument(
            "--client",
            action="append",
            default=[],
            metavar="CLIENT_ID=NAME",
            help="another new owner for this client; may be repeated",
        )
        add_by(parser)

    @no_translations
    def handle(self, *args: Any, **options: Any) -> None:
        """List it, and end it if asked. Raises CommandError."""
        del args
        user = user_named(options["user"])
        had = offboarding.leaving(user)
        if options["apply"]:
            had = self._offboard(user, options)
        for line in had.lines():
            self.stdout.write(line)
        if had.is_nothing:
            self.stdout.write("Nothing gives this user access.")
        elif options["apply"]:
            self.stdout.write(f"Ended for {user}.")
            for client in had.clients:
                self.stdout.write(f"Change the secret of {client.client_id}: {user} may know it.")
        else:
            self.stdout.write("Nothing was changed. --apply ends it.")

    def _offboard(self, user: models.Model, options: dict[str, Any]) -> offboarding.Leaving:
        owner = options["new_owner"]
        try:
            return offboarding.offboard(
                user,
                by=by_of(options, "guard_offboard"),
                reason=options["reason"],
                new_owner=None if owner is None else user_named(owner),
                new_owners=dict(_owner(text) for text in options["client"]),
            )
        except grants.GrantError as error:
            raise CommandError(f"{error} Nothing was changed.") from None


def _owner(text: str) -> tuple[str, models.Model]:
    client_id, found, name = text.rpartition("=")
    if not found:
        raise CommandError(f"{text!r} is not CLIENT_ID=NAME.")
    return client_id, user_named(name)
