"""Tells an exception that a client's value caused from a bug of the view."""

from api_guard.input.client_errors.unreadable import UnreadableError, unreadable_of_client
from api_guard.input.client_errors.verdicts import SUSPECTS, is_of_client

__all__ = ["SUSPECTS", "UnreadableError", "is_of_client", "unreadable_of_client"]
