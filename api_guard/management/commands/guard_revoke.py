"""`manage.py guard_revoke`: ends what a user or a client may do, at once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from django.contrib.auth import get_user_model
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import DatabaseError, models, router

from api_guard import grants, tokens
from api_guard.models import ScopeGrant


class Command(BaseCommand):
    """Revoke grants and tokens of a user or a client."""

    help = (
        "Revokes the grants and the tokens of a user or a client: its next request will be "
        "refused. Without --grants, --scope or --tokens, both grants and tokens."
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
        parser.add_argument(
            "--reason", default="", help="why, in up to 500 characters; kept with each grant"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Revoke what can be revoked and say how much; fail in the end where something could not.

        Raises CommandError.
        """
        del args
        if options["grants"] and options["scope"]:
            raise CommandError("--grants means all of them: leave --scope out.")
        try:
            grants.refuse_reason(options["reason"])
        except grants.GrantError as error:
            raise CommandError(f"{error} Nothing was revoked.") from None
        holder, by = self._holder(options), self._by(options["by"])
        why = {"by": by, "reason": options["reason"]}
        everything = not (options["grants"] or options["scope"] or options["tokens"])
        said: list[str] = []
        failures: list[str] = []
        if options["grants"] or everything:
            with _noting(failures):
                said.append(_count(grants.revoke_all(holder, **why), "grant"))
        if options["scope"]:
            said.append(_count(_revoke_scopes(holder, options["scope"], why, failures), "grant"))
        if options["tokens"] or everything:
            with _noting(failures):
                said.append(_count(tokens.revoke_tokens(holder, **why), "token"))
        self.stdout.write(f"Revoked {' and '.join(said) or 'nothing'} of {holder}.")
        if failures:
            raise CommandError("\n".join(failures))

    def _holder(self, options: dict[str, Any]) -> models.Model:
        if options["user"] is not None:
            return _user(options["user"])
        model: Any = ScopeGrant._meta.get_field("client").related_model
        clients = model._default_manager.using(router.db_for_write(model))
        client: models.Model | None = clients.filter(client_id=options["client"]).first()
        if client is None:
            raise CommandError(f"There is no client {options['client']!r}.")
        return client

    def _by(self, name: str | None) -> models.Model | None:
        return None if name is None else _user(name)


@contextmanager
def _noting(failures: list[str]) -> Iterator[None]:
    """Go on after what cannot be revoked, and note why."""
    try:
        yield
    except (grants.GrantError, DatabaseError) as error:
        failures.append(str(error))


def _revoke_scopes(
    holder: models.Model, scopes: Iterable[str], why: dict[str, Any], failures: list[str]
) -> int:
    """Revoke the grants of these scopes and return how many there were."""
    count = 0
    for scope in dict.fromkeys(scopes):
        with _noting(failures):
            # A database may take "Notes:Read" for "notes:read".
            found = [row for row in grants.held(holder).filter(scope=scope) if row.scope == scope]
            if not found:
                failures.append(f"{holder} holds no grant of {scope!r}.")
                continue
            grants.revoke(found[0], **why)
            count += 1
    return count


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def _user(name: str) -> models.Model:
    model: Any = get_user_model()
    try:
        users = model._default_manager.db_manager(router.db_for_write(model))
        user: models.Model = users.get_by_natural_key(name)
    except model.DoesNotExist:
        raise CommandError(f"There is no user {name!r}.") from None
    return user
