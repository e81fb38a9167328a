"""The ledger: its records, what can be erased of them, its head, and where a pruned one begins.

Without foreign keys: what a record names may be deleted, and the record stays as it is. Digests and
moments are texts, because a text is read back as it was signed, on every database.
"""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from api_guard.models.append_only import AppendOnly


class LedgerRecord(AppendOnly):
    """One act: what of it stays. `mac` covers the first five columns, `digest` all before it too.

    The last three are null until the record is chained, which happens after its commit.
    """

    id = models.CharField(_("id"), max_length=64, primary_key=True)
    at = models.CharField(_("at"), max_length=32)
    event = models.CharField(_("event"), max_length=32)
    key_id = models.CharField(_("key"), max_length=64)
    content = models.TextField(_("content"))
    mac = models.CharField(_("signature"), max_length=64)
    sequence = models.BigIntegerField(_("number"), null=True, unique=True)
    previous = models.CharField(_("previous digest"), max_length=64, null=True, unique=True)  # noqa: DJ001  # null is not the digest of anything, and many are null
    digest = models.CharField(_("digest"), max_length=64, null=True)  # noqa: DJ001  # likewise

    class Meta(AppendOnly.Meta):
        verbose_name = _("ledger record")
        ordering = ["-id"]
        indexes = [
            # What is not chained yet, in order.
            models.Index(fields=["sequence", "id"], name="api_guard_ledger_unchained"),
            # A filter of the admin's list, whose order is that of the ids.
            models.Index(fields=["event", "-id"], name="api_guard_ledger_events"),
        ]

    def __str__(self) -> str:
        return f"{self.event} at {self.at}"


class LedgerDetail(AppendOnly):
    """A part of a record that can be erased: who, whom, the reason, or the address.

    `key` names a party, as `user:7`. Once erased, `forgotten` is the id of the record that says so,
    and the rest is empty.
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
    """A place in the chain, signed."""

    digest = models.CharField(_("digest"), max_length=64)
    at = models.CharField(_("at"), max_length=32)
    key_id = models.CharField(_("key"), max_length=64)
    mac = models.CharField(_("signature"), max_length=64)

    class Meta(AppendOnly.Meta):
        abstract = True


class LedgerHead(LedgerPlace):
    """The end of the chain: one row, which is locked while records are chained."""

    sequence = models.BigIntegerField(_("number"))

    class Meta(LedgerPlace.Meta):
        verbose_name = _("head of the ledger")

    def __str__(self) -> str:
        return f"head at {self.sequence}"


class LedgerCheckpoint(LedgerPlace):
    """Up to where old records were pruned; the chain begins after the last of these."""

    sequence = models.BigIntegerField(_("number"), primary_key=True)

    class Meta(LedgerPlace.Meta):
        verbose_name = _("ledger checkpoint")

    def __str__(self) -> str:
        return f"pruned through {self.sequence}"
