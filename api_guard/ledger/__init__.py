"""The append-only, hash-chained history of grants."""

from api_guard.ledger.recording import record

__all__ = ["record"]
