"""Proposes the lines with which a project adopts the guard, as one patch."""

from api_guard.adoption.proposing import Proposal, propose

__all__ = ["Proposal", "propose"]
