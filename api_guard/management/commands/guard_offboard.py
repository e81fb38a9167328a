"""`manage.py guard_offboard`: ends all access of a user who leaves."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandError, CommandParser, no_translations
from django.db import models

from api_guard import grants, offboarding
from api_guard.management.failing import GuardCommand
from api_guard.management.naming import add_by, by_of, user_named


class Command(GuardCommand):
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
        by, owner, owners = by_of(options, "guard_offboard"), options["new_owner"], _owners(options)
        if owner is not None:
            owner = user_named(owner)
        if options["apply"]:
            try:
                had = offboarding.offboard(
                    user, by=by, reason=options["reason"], new_owner=owner, new_owners=owners
                )
            except grants.GrantError as error:
                raise CommandError(f"{error} Nothing was changed.") from None
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


def _owners(options: dict[str, Any]) -> dict[str, models.Model]:
    """Return the new owners of `--client`. Raises CommandError."""
    owners: dict[str, models.Model] = {}
    for text in options["client"]:
        client_id, found, name = text.rpartition("=")
        if not found:
            raise CommandError(f"{text!r} is not CLIENT_ID=NAME.")
        if client_id in owners:
            raise CommandError(f"--client names {client_id!r} twice.")
        owners[client_id] = user_named(name)
    return owners
