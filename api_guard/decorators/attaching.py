"""Puts a policy on a view class of DRF."""

from __future__ import annotations

from api_guard.access.endpoints import POLICY_ATTRIBUTE
from api_guard.core.policy import Policy
from api_guard.decorators.hooks import install
from api_guard.decorators.misuse import refuse_unknown_names
from api_guard.exceptions import GuardError


def attach(cls: type, policy: Policy) -> None:
    """Put the policy and the guard's wrappers on a class. Raises GuardError."""
    if POLICY_ATTRIBUTE in cls.__dict__:
        raise GuardError(
            f"{cls.__qualname__} already has a guard, and a second one would replace it: write "
            "one @guard with both policies."
        )
    refuse_unknown_names(cls, policy)
    setattr(cls, POLICY_ATTRIBUTE, policy)
    install(cls)
