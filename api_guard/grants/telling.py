"""Sends signals once what they tell is stored."""

from __future__ import annotations

from django.db import models, transaction
from django.dispatch import Signal

from api_guard.grants.reading import database


def tell_after_commit(signal: Signal, sender: type[models.Model], **values: object) -> None:
    """Send a signal after the transaction; not at all if it is rolled back.

    What a receiver raises is logged, and changes nothing.
    """
    transaction.on_commit(lambda: _send(signal, sender, values), using=database())


def _send(signal: Signal, sender: type[models.Model], values: dict[str, object]) -> None:
    signal.send_robust(sender=sender, **values)
