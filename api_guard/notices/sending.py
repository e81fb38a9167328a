"""Tells each thing once, also if several processes run."""

from __future__ import annotations

import logging
import uuid
from collections.abc import Iterable
from datetime import timedelta

from django.core.mail import EmailMessage
from django.db import connections
from django.db.models import QuerySet
from django.utils import timezone

from api_guard import conf, grants, signals
from api_guard.conf import Notices
from api_guard.exceptions import GuardError
from api_guard.models import Notice, ScopeGrant
from api_guard.models.transactions import in_transaction
from api_guard.notices.collecting import EXPIRED, EXPIRING, Item, items, untold
from api_guard.notices.digest import Digest, digest_of

logger = logging.getLogger("api_guard.notices")

# A process that died while it sent keeps its claims for so long. Then they are told again.
_ABANDONED = timedelta(hours=1)
_SIGNALS = {EXPIRING: signals.grant_expiring, EXPIRED: signals.grant_expired}


class NotSentError(GuardError):
    """The mail could not be sent. Nothing counts as told."""


def pending() -> list[Item]:
    """Return what the next run would tell. It changes nothing. Raises GuardError."""
    found = items(_settings().days)
    again = set(_abandoned().values_list("key", flat=True))
    keys = again | {item.key for item in untold(found)}
    return [item for item in found if item.key in keys]


def send() -> list[Item]:
    """Tell what was not told yet, by mail and by signals, and return it.

    Raises GuardError without `API_GUARD["NOTICES"]` or inside a transaction, and NotSentError.
    """
    said, using = _settings(), grants.database()
    if connections[using].in_atomic_block:
        raise GuardError("Notices are not sent inside a transaction: it could be rolled back.")
    run = uuid.uuid4().hex
    found = items(said.days)
    mine = _claimed(found, run)
    if not mine:
        return []
    try:
        if said.recipients:
            _mail(digest_of(mine, said.base_url), said)
    except Exception as error:
        _of(run).filter(sent_at__isnull=True).delete()
        raise NotSentError(f"The mail was not sent: {type(error).__name__}.") from error
    _of(run).update(sent_at=timezone.now())
    for item in mine:
        signal = _SIGNALS.get(item.kind)
        if signal is not None:
            signal.send_robust(sender=ScopeGrant, grant=item.row)
    return mine


def _claimed(found: Iterable[Item], run: str) -> list[Item]:
    """Claim what nobody has told or claimed, and return it."""
    now, found = timezone.now(), list(found)
    _abandoned().delete()
    rows = [Notice(key=item.key, run=run, claimed_at=now) for item in untold(found)]
    # The unique key decides which of several processes has it.
    in_transaction(
        lambda: _rows().bulk_create(rows, batch_size=500, ignore_conflicts=True), grants.database()
    )
    mine = set(_of(run).values_list("key", flat=True))
    return [item for item in found if item.key in mine]


def _mail(digest: Digest, said: Notices) -> None:
    mail = EmailMessage(digest.subject, digest.body, said.sender, list(said.recipients))
    if not mail.send():
        raise OSError("the mail backend has sent nothing")


def _settings() -> Notices:
    said = conf.notices()
    if said is None:
        raise GuardError('Set API_GUARD["NOTICES"] = {"to": ["security@example.com"]}.')
    return said


def _rows() -> QuerySet[Notice]:
    return Notice.objects.using(grants.database())


def _of(run: str) -> QuerySet[Notice]:
    return _rows().filter(run=run)


def _abandoned() -> QuerySet[Notice]:
    return _rows().filter(sent_at__isnull=True, claimed_at__lte=timezone.now() - _ABANDONED)
