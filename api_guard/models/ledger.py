"""The ledger: its records, their erasable details, its head, and where a pruned ledger begins.

There are no foreign keys: a user that a record names may be deleted, and the record must not
change. Digests and times are stored as text, because every database returns text as it was signed.
"""

from __future__ import annotations

from django.db import models
from django.db.models import F, Value
from django.db.models.functions import Greatest, Least, StrIndex, Substr
from django.utils.translation import gettext_lazy as _

from api_guard.models.append_only import AppendOnly

# Longer names are found by their beginning.
LONGEST_SCOPE = 200
# The content is canonical JSON: a quote inside of a text is escaped. No fact is called scope.
_BEFORE = ',"scope":"'
_FROM = Substr("content", StrIndex(F("content"), Value(_BEFORE)) + Value(len(_BEFORE)))
_LENGTH = Least(Greatest(StrIndex(_FROM, Value('"')) - Value(1), Value(0)), Value(LONGEST_SCOPE))


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
    # To find records by. The database takes it out of the signed content, so it cannot differ.
    scope = models.GeneratedField(
        verbose_name=_("scope"),
        expression=Substr(_FROM, Value(1), _LENGTH),
        output_field=models.CharField(max_length=LONGEST_SCOPE),
        db_persist=True,
    )

    class Meta(AppendOnly.Meta):
        verbose_name = _("ledger record")
        verbose_name_plural = _("ledger records")
        ordering = ["-id"]
        permissions = [("export_ledgerrecord", "Can export the ledger")]
        indexes = [
            # For the records that are not chained yet, in order.
            models.Index(fields=["sequence", "id"], name="api_guard_ledger_unchained"),
            # For the event filter of the admin, whose list is ordered by id.
            models.Index(fields=["event", "-id"], name="api_guard_ledger_events"),
            models.Index(fields=["scope", "-id"], name="api_guard_ledger_scopes"),
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
        verbose_name_plural = _("ledger details")
        indexes = [models.Index(fields=["key", "part", "record"], name="api_guard_ledger_named")]
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
        verbose_name_plural = _("heads of the ledger")

    def __str__(self) -> str:
        return f"head at {self.sequence}"


class LedgerCheckpoint(LedgerPlace):
    """The last pruned record. The chain begins after the newest checkpoint."""

    sequence = models.BigIntegerField(_("number"), primary_key=True)

    class Meta(LedgerPlace.Meta):
        verbose_name = _("ledger checkpoint")
        verbose_name_plural = _("ledger checkpoints")

    def __str__(self) -> str:
        return f"pruned through {self.sequence}"


class LedgerVerification(LedgerPlace):
    """The end of the chain when the ledger was verified, and how many errors were found."""

    sequence = models.BigIntegerField(_("number"))
    errors = models.PositiveIntegerField(_("errors"))

    class Meta(LedgerPlace.Meta):
        verbose_name = _("verification of the ledger")
        verbose_name_plural = _("verifications of the ledger")

    def __str__(self) -> str:
        return f"verified up to {self.sequence}"
