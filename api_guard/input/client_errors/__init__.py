"""Decides if an exception was caused by a value of the client or by a bug in the view."""

from api_guard.input.client_errors.unreadable import UnreadableError, unreadable_of_client
from api_guard.input.client_errors.verdicts import SUSPECTS, is_of_client

__all__ = ["SUSPECTS", "UnreadableError", "is_of_client", "unreadable_of_client"]
