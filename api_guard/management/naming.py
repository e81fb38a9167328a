"""The options of the commands that write grants: the grantee, the user, the reason, a time."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from django.conf import settings
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group
from django.core.management.base import CommandError, CommandParser
from django.db import models, router
from django.utils import timezone
from django.utils.dateparse import parse_datetime

from api_guard import grants
from api_guard.models import ScopeGrant


def add_grantee(parser: CommandParser) -> None:
    """Add `--user`, `--client` and `--group`; exactly one is required."""
    grantee = parser.add_mutually_exclusive_group(required=True)
    grantee.add_argument("--user", metavar="NAME", help="the user of this name")
    grantee.add_argument("--client", metavar="CLIENT_ID", help="the client of this client_id")
    grantee.add_argument("--group", metavar="NAME", help="the group of this name")


def add_by(parser: CommandParser) -> None:
    """Add `--by` and `--reason`."""
    parser.add_argument(
        "--by",
        metavar="NAME",
        help="the user responsible for it; the ledger records this as a claim",
    )
    parser.add_argument("--reason", default="", help="why, in up to 500 characters; it is kept")


def grantee_of(options: dict[str, Any]) -> models.Model:
    """Return the grantee that the options name. Raises CommandError."""
    if options["user"] is not None:
        return user_named(options["user"])
    if options.get("group") is not None:
        return group_named(options["group"])
    return client_named(options["client"])


def by_of(options: dict[str, Any], command: str) -> grants.By:
    """Return who is responsible: the user of `--by`, or the command. Raises CommandError."""
    if options["by"] is None:
        return grants.System(f"manage.py {command}")
    return grants.Claimed(user_named(options["by"]))


def moment_of(text: str) -> datetime:
    """Return a time that an option names, in the current time zone. Raises CommandError."""
    try:
        moment = parse_datetime(text)
        if moment is not None and timezone.is_naive(moment):
            moment = timezone.make_aware(moment)
        if moment is not None:
            moment.astimezone(UTC)  # no database could store what is beyond the year 9999 there
    except (ValueError, OverflowError):
        moment = None
    if moment is None:
        raise CommandError(f"{text!r} is not a time, such as 2027-01-31T12:00Z.")
    return moment if settings.USE_TZ else timezone.make_naive(moment)


def user_named(name: str) -> models.Model:
    """Return the user of this name. Raises CommandError."""
    model: Any = get_user_model()
    try:
        users = model._default_manager.db_manager(router.db_for_write(model))
        user: models.Model = users.get_by_natural_key(name)
    except model.DoesNotExist:
        raise CommandError(f"There is no user {name!r}.") from None
    return user


def client_named(client_id: str) -> models.Model:
    """Return the client of this `client_id`. Raises CommandError."""
    model: Any = ScopeGrant._meta.get_field("client").related_model
    clients = model._default_manager.using(router.db_for_write(model))
    client: models.Model | None = clients.filter(client_id=client_id).first()
    if client is None:
        raise CommandError(f"There is no client {client_id!r}.")
    return client


def group_named(name: str) -> Group:
    """Return the group of this name. Raises CommandError."""
    group = Group.objects.using(router.db_for_write(Group)).filter(name=name).first()
    if group is None:
        raise CommandError(f"There is no group {name!r}.")
    return group
