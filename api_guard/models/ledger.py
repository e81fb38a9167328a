"""The ledger: its records, their erasable details, its head, and where a pruned ledger begins.

There are no foreign keys: a user that a record names may be deleted, and the record must not
change. Digests and times are stored as text, because every database returns text as it was signed.
"""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from api_guard.models.append_only import AppendOnly


class LedgerRecord(AppendOnly):
    """The part of an event that is never erased. `mac` covers the first five columns.

    `digest` covers all columns before it. The last three columns are null until the record is
    chained, after its commit.
    """

    id = models.CharField(_("id"), max_length=64, primary_key=True)
    at = models.CharField(_("at"), max_length=32)
    event = models.CharField(_("event"), max_length=32)
    key_id = models.CharField(_("key"), max_length=64)
    content = models.TextField(_("content"))
    mac = models.CharField(_("signature"), max_length=64)
    sequence = models.BigIntegerField(_("number"), null=True, unique=True)
    previous = models.CharField(_("previous digest"), max_length=64, null=True, unique=True)  # noqa: DJ001  # unique allows many nulls, but only one empty text
    digest = models.CharField(_("digest"), max_length=64, null=True)  # noqa: DJ001  # likewise

    class Meta(AppendOnly.Meta):
        verbose_name = _("ledger record")
        ordering = ["-id"]
        indexes = [
            # For the records that are not chained yet, in order.
            models.Index(fields=["sequence", "id"], name="api_guard_ledger_unchained"),
            # For the event filter of the admin, whose list is ordered by id.
            models.Index(fields=["event", "-id"], name="api_guard_ledger_events"),
        ]

    def __str__(self) -> str:
        return f"{self.event} at {self.at}"


class LedgerDetail(AppendOnly):
    """A part of a record that can be erased: who, whom, the reason, or the address.

    `key` names a party, for example `user:7`. After an erasure, `forgotten` is the id of the record
    of the erasure, and the other columns are empty.
    """

    record = models.CharField(_("record"), max_length=64)
    part = models.CharField(_("part"), max_length=16)
    key = models.CharField(_("key"), max_length=200, blank=True)
    text = models.TextField(_("text"), blank=True)
    salt = models.CharField(_("salt"), max_length=32, blank=True)
    forgotten = models.CharField(_("erased by"), max_length=64, blank=True)

    class Meta(AppendOnly.Meta):
        verbose_name = _("ledger detail")
        indexes = [models.Index(fields=["key", "record"], name="api_guard_ledger_parties")]
        constraints = [
            models.UniqueConstraint(
                fields=["record", "part"], name="api_guard_one_ledger_detail_per_part"
            )
        ]

    def __str__(self) -> str:
        return f"{self.part} of {self.record}"


class LedgerPlace(AppendOnly):
    """A signed place in the chain."""

    digest = models.CharField(_("digest"), max_length=64)
    at = models.CharField(_("at"), max_length=32)
    key_id = models.CharField(_("key"), max_length=64)
    mac = models.CharField(_("signature"), max_length=64)

    class Meta(AppendOnly.Meta):
        abstract = True


class LedgerHead(LedgerPlace):
    """The end of the chain: one row, locked while records are chained."""

    sequence = models.BigIntegerField(_("number"))

    class Meta(LedgerPlace.Meta):
        verbose_name = _("head of the ledger")

    def __str__(self) -> str:
        return f"head at {self.sequence}"


class LedgerCheckpoint(LedgerPlace):
    """The last pruned record. The chain begins after the newest checkpoint."""

    sequence = models.BigIntegerField(_("number"), primary_key=True)

    class Meta(LedgerPlace.Meta):
        verbose_name = _("ledger checkpoint")

    def __str__(self) -> str:
        return f"pruned through {self.sequence}"
