"""`manage.py guard_revoke`: ends what a user or a client may do, at once."""

from __future__ import annotations

from typing import Any

from django.contrib.auth import get_user_model
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import models

from api_guard import grants, tokens
from api_guard.models import ScopeGrant


class Command(BaseCommand):
    """Revoke grants and tokens of a user or a client."""

    help = (
        "Revokes the grants and the tokens of a user or a client; what it has is refused on the "
        "next request. Without --grants, --scope or --tokens, both grants and tokens."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Add the options."""
        holder = parser.add_mutually_exclusive_group(required=True)
        holder.add_argument("--user", metavar="NAME", help="the user of this name")
        holder.add_argument("--client", metavar="CLIENT_ID", help="the client of this client_id")
        parser.add_argument("--grants", action="store_true", help="every grant that it holds")
        parser.add_argument(
            "--scope", action="append", default=[], help="the grant of this scope; may be repeated"
        )
        parser.add_argument(
            "--tokens",
            action="store_true",
            help="its access, refresh and ID tokens, authorization codes and device codes",
        )
        parser.add_argument("--by", metavar="NAME", help="the user who is to answer for it")
        parser.add_argument("--reason", default="", help="why; kept with each grant")

    def handle(self, *args: Any, **options: Any) -> None:
        """Revoke, and say how much."""
        del args
        if options["grants"] and options["scope"]:
            raise CommandError("--grants means all of them: leave --scope out.")
        holder, by = self._holder(options), self._by(options["by"])
        everything = not (options["grants"] or options["scope"] or options["tokens"])
        if options["grants"] or everything:
            count = grants.revoke_all(holder, by=by, reason=options["reason"])
            self.stdout.write(f"{count} grants were revoked.")
        for scope in options["scope"]:
            row = self._grant(holder, scope)
            self.stdout.write(f"{grants.revoke(row, by=by, reason=options['reason'])}: revoked.")
        if options["tokens"] or everything:
            count = tokens.revoke_tokens(holder, by=by, reason=options["reason"])
            self.stdout.write(f"{count} tokens were revoked.")

    def _holder(self, options: dict[str, Any]) -> models.Model:
        if options["user"] is not None:
            return _user(options["user"])
        model: Any = ScopeGrant._meta.get_field("client").related_model
        client: models.Model | None = model.objects.filter(client_id=options["client"]).first()
        if client is None:
            raise CommandError(f"There is no client {options['client']!r}.")
        return client

    def _by(self, name: str | None) -> models.Model | None:
        return None if name is None else _user(name)

    def _grant(self, holder: models.Model, scope: str) -> ScopeGrant:
        row = grants.held(holder).filter(scope=scope).first()
        if row is None:
            raise CommandError(f"{holder} holds no grant of {scope!r}.")
        return row


def _user(name: str) -> models.Model:
    model: Any = get_user_model()
    try:
        user: models.Model = model._default_manager.get_by_natural_key(name)
    except model.DoesNotExist:
        raise CommandError(f"There is no user {name!r}.") from None
    return user
