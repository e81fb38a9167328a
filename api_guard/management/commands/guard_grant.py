"""`manage.py guard_grant`: gives a user, a group or a client scopes."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import transaction
from django.utils import timezone
from django.utils.dateparse import parse_datetime

from api_guard import grants
from api_guard.management.naming import add_by, add_grantee, by_of, grantee_of
from api_guard.models import GrantRequest


class Command(BaseCommand):
    """Grant scopes, all of them or none."""

    help = (
        "Grants scopes to a user, a group or a client. A sensitive scope is only requested: "
        "two people approve it in the admin."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Add the options."""
        add_grantee(parser)
        parser.add_argument("scope", nargs="+", help="a scope of API_GUARD['SCOPES']")
        until = parser.add_mutually_exclusive_group()
        until.add_argument("--days", type=int, metavar="N", help="the grant expires in N days")
        until.add_argument(
            "--until", metavar="MOMENT", help="the grant expires then, as 2027-01-31T12:00Z"
        )
        add_by(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        """Grant them and say so. Raises CommandError."""
        del args
        grantee, by = grantee_of(options), by_of(options, "guard_grant")
        expires_at = _expiry(options)
        try:
            with transaction.atomic(using=grants.database()):
                made = [
                    grants.grant(
                        scope, grantee, by=by, reason=options["reason"], expires_at=expires_at
                    )
                    for scope in dict.fromkeys(options["scope"])
                ]
        except grants.GrantError as error:
            raise CommandError(f"{error} Nothing was granted.") from None
        for row in made:
            said = "Asked for, to be approved" if isinstance(row, GrantRequest) else "Granted"
            self.stdout.write(f"{said}: {row}.")


def _expiry(options: dict[str, Any]) -> datetime | None:
    if options["days"] is not None:
        try:
            return timezone.now() + timedelta(days=options["days"])
        except OverflowError:
            raise CommandError("--days is too large.") from None
    if options["until"] is None:
        return None
    try:
        moment = parse_datetime(options["until"])
    except ValueError:
        moment = None
    if moment is None:
        raise CommandError(f"{options['until']!r} is not a time, such as 2027-01-31T12:00Z.")
    return timezone.make_aware(moment) if timezone.is_naive(moment) else moment
