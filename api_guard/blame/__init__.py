"""Tells an exception that a client's value caused from a bug of the view."""

from api_guard.blame.verdicts import SUSPECTS, is_of_client

__all__ = ["SUSPECTS", "is_of_client"]
