"""Pins what bundles open, as the settings say."""

from __future__ import annotations

from datetime import timedelta

from django.db.models import Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext_noop as _

from api_guard import conf
from api_guard.core.ledger import Event
from api_guard.grants.authority import refuse_without_any
from api_guard.grants.changes import Act, Change
from api_guard.grants.deadlocks import in_transaction
from api_guard.grants.errors import GrantError, refuse_reason
from api_guard.grants.reading import database, live
from api_guard.grants.terms import most_days
from api_guard.grants.who import By, note, who_of
from api_guard.models import BundlePin, recorded


def unpinned() -> list[Change]:
    """Return how the bundles in the settings differ from what is pinned, and change nothing."""
    wanted = {name: _written(each.scopes) for name, each in conf.bundles().items() if each.scopes}
    said = {row.bundle: row.scopes for row in pins()}
    gone = [
        Change(Act.UNPIN, "bundle", name, scopes)
        for name, scopes in sorted(said.items())
        if name not in wanted
    ]
    # First what is gone: to MariaDB, `@editor` and `@Editor` are one.
    return gone + [
        Change(Act.PIN, "bundle", name, scopes, was_scopes=said.get(name, ""))
        for name, scopes in sorted(wanted.items())
        if said.get(name) != scopes
    ]


def pin(name: str, *, by: By, reason: str = "") -> None:
    """Pin what a bundle opens, as the settings say now. A bundle that opens nothing loses its pin.

    The next request of its grantees gets it. `by` needs the permission to grant every scope. Raises
    GrantError: `no_authority`, `too_long` if a grant of the bundle lasts longer than a scope of it
    may, `nobody`, or the code of an invalid reason.
    """
    refuse_reason(reason)
    who = who_of(by)
    refuse_without_any(by, _("You may not decide what a bundle opens."))

    def write() -> None:
        bundle = conf.bundles().get(name)
        scopes = "" if bundle is None else _written(bundle.scopes)
        row = pins().select_for_update().filter(bundle=name).first()
        if row is not None and not scopes:
            note(Event.UNPIN_BUNDLE, who, None, name, reason, {"pin": row.pk})
            with recorded():
                pins().filter(pk=row.pk).delete()
            return
        if not scopes:
            return
        _refuse_longer(name)
        row = BundlePin(bundle=name) if row is None else row
        was, row.scopes, row.pinned_at = row.scopes, scopes, timezone.now()
        with recorded():
            row.save(using=database())
        facts = {"pin": row.pk, "scopes": scopes, "was": was}
        note(Event.PIN_BUNDLE, who, None, name, reason, facts)

    in_transaction(write)


def pins() -> QuerySet[BundlePin]:
    """Return the pins, from the database that they are written to."""
    return BundlePin.objects.using(database())


def _refuse_longer(name: str) -> None:
    """A bundle is as strict as its strictest scope, also for grants that exist."""
    days = most_days(name)
    if days is None:
        return
    latest = timezone.now() + timedelta(days=days, minutes=1)
    longer = Q(expires_at__isnull=True) | Q(expires_at__gt=latest)
    count = live().filter(longer, scope=name).count()
    if count:
        raise GrantError(
            "too_long",
            f"{name!r} now contains a scope that can be granted for at most {days} days, and "
            f"{count} of its grants last longer. Shorten them first.",
        )


def _written(scopes: frozenset[str]) -> str:
    return " ".join(sorted(scopes))
