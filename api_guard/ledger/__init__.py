"""The append-only, hash-chained history of grants."""

from api_guard.ledger.chaining import chain
from api_guard.ledger.checkpoints import checkpoint, prune, read_checkpoint
from api_guard.ledger.erasing import forget
from api_guard.ledger.exporting import contents, export
from api_guard.ledger.recording import record
from api_guard.ledger.rows import database, details
from api_guard.ledger.verifying import Tally, verify

__all__ = [
    "Tally",
    "chain",
    "checkpoint",
    "contents",
    "database",
    "details",
    "export",
    "forget",
    "prune",
    "read_checkpoint",
    "record",
    "verify",
]
