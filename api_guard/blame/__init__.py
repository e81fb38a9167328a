"""Tells an exception that a client's value caused from a bug of the view."""

from api_guard.blame.sent import Sent
from api_guard.blame.unreadable import UnreadableError, unreadable_in
from api_guard.blame.verdicts import SUSPECTS, is_of_client

__all__ = ["SUSPECTS", "Sent", "UnreadableError", "is_of_client", "unreadable_in"]
