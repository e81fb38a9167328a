"""The append-only, hash-chained history of grants."""

from api_guard.ledger.chaining import chain
from api_guard.ledger.checkpoints import checkpoint, prune, read_checkpoint
from api_guard.ledger.erasing import forget
from api_guard.ledger.exporting import Content, contents, export, line, pages
from api_guard.ledger.latest import last_recorded
from api_guard.ledger.recording import Entry, record, record_many, storable
from api_guard.ledger.rows import database, details, head, start, written
from api_guard.ledger.verified import Verified, last_verified, note_verified
from api_guard.ledger.verifying import Tally, verify

__all__ = [
    "Content",
    "Entry",
    "Tally",
    "Verified",
    "chain",
    "checkpoint",
    "contents",
    "database",
    "details",
    "export",
    "forget",
    "head",
    "last_recorded",
    "last_verified",
    "line",
    "note_verified",
    "pages",
    "prune",
    "read_checkpoint",
    "record",
    "record_many",
    "start",
    "storable",
    "verify",
    "written",
]
