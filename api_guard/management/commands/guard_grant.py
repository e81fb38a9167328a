"""`manage.py guard_grant`: gives a user, a group or a client scopes."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.core.management.base import CommandError, CommandParser, no_translations
from django.db import transaction
from django.utils import timezone

from api_guard import grants
from api_guard.management.failing import GuardCommand
from api_guard.management.naming import add_by, add_grantee, by_of, grantee_of, moment_of
from api_guard.management.telling import add_telling, rehearsed, tell
from api_guard.models import GrantRequest, ScopeGrant


class Command(GuardCommand):
    """Grant scopes, all of them or none."""

    help = (
        "Grants scopes or bundles (@name) to a user, a group or a client. A sensitive "
        "scope is only requested: two people approve it in the admin."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Add the options."""
        add_grantee(parser)
        parser.add_argument("scope", nargs="+", help="a scope, or a bundle such as @editor")
        until = parser.add_mutually_exclusive_group()
        until.add_argument("--days", type=int, metavar="N", help="the grant expires in N days")
        until.add_argument(
            "--until", metavar="MOMENT", help="the grant expires then, as 2027-01-31T12:00Z"
        )
        add_telling(parser)
        add_by(parser)

    @no_translations
    def handle(self, *args: Any, **options: Any) -> None:
        """Grant them and say so. Raises CommandError."""
        del args
        grantee, by = grantee_of(options), by_of(options, "guard_grant")
        expires_at = _expiry(options)
        try:
            using = grants.database()
            with rehearsed(options, using), transaction.atomic(using=using):
                made = [
                    grants.grant(
                        scope, grantee, by=by, reason=options["reason"], expires_at=expires_at
                    )
                    for scope in dict.fromkeys(options["scope"])
                ]
        except grants.GrantError as error:
            raise CommandError(f"{error} Nothing was granted.") from None
        tell(self, options, map(_line, made), {"changes": [_fact(row) for row in made]})


def _line(row: ScopeGrant | GrantRequest) -> str:
    said = "Asked for, to be approved" if isinstance(row, GrantRequest) else "Granted"
    return f"{said}: {row}."


def _fact(row: ScopeGrant | GrantRequest) -> dict[str, str | None]:
    act = grants.Act.ASK if isinstance(row, GrantRequest) else grants.Act.GRANT
    name = grants.natural_key(row.grantee)
    return grants.Change(act, row.grantee_kind, name, row.scope, row.expires_at).as_dict()


def _expiry(options: dict[str, Any]) -> datetime | None:
    if options["days"] is not None:
        try:
            return timezone.now() + timedelta(days=options["days"])
        except OverflowError:
            raise CommandError("--days is too large.") from None
    if options["until"] is None:
        return None
    return moment_of(options["until"])
