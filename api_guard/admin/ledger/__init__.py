"""The ledger in the admin: found, read in words, verified and exported, and never changed."""

from api_guard.admin.ledger.records import LedgerRecordAdmin

__all__ = ["LedgerRecordAdmin"]
