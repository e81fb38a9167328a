"""Ends everything that one user can do: shows it first, then does it in one transaction."""

from api_guard.offboarding.listing import Leaving, leaving
from api_guard.offboarding.offboard import offboard

__all__ = ["Leaving", "leaving", "offboard"]
