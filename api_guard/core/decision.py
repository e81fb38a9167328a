"""The one function that decides."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from api_guard.core.caller import Caller, Standing
from api_guard.core.requirements import Requirement
from api_guard.core.scopes import Credential


class Denial(Enum):
    """Why a request is refused; the value is the code that a client sees."""

    NOT_OFFERED = "not_offered"
    NOT_AUTHENTICATED = "not_authenticated"
    USER_ONLY = "user_only"
    STAFF_ONLY = "staff_only"
    FIRST_PARTY_ONLY = "first_party_only"
    INSUFFICIENT_SCOPE = "insufficient_scope"


@dataclass(frozen=True)
class Decision:
    """The answer; for a refusal also the reason and the missing scopes."""

    denial: Denial | None = None
    needed: tuple[str, ...] = ()

    @property
    def allowed(self) -> bool:
        """Whether the request is allowed."""
        return self.denial is None


ALLOWED = Decision()


def decide(requirement: Requirement | None, caller: Caller) -> Decision:
    """Decide whether `caller` meets `requirement`. None (not declared) is refused."""
    if requirement is None:
        return Decision(Denial.NOT_OFFERED)
    if requirement.is_public:
        return ALLOWED
    if not caller.is_authenticated:
        return Decision(Denial.NOT_AUTHENTICATED, requirement.scope_names)
    refusal = _judge_standing(requirement, caller)
    if refusal is not None:
        return Decision(refusal)
    if not requirement.is_met_by(caller.scopes_among(requirement.scope_names)):
        return Decision(Denial.INSUFFICIENT_SCOPE, requirement.scope_names)
    return ALLOWED


def _judge_standing(requirement: Requirement, caller: Caller) -> Denial | None:
    if requirement.standing is None:
        return None
    if caller.user_id is None:
        return Denial.USER_ONLY
    if caller.standing < requirement.standing:
        return Denial.STAFF_ONLY if requirement.standing is Standing.STAFF else Denial.USER_ONLY
    # The user of a token did not sign in here. If the standing were enough, every client with
    # the user's consent could do everything that the user may do.
    if not requirement.scopes and caller.credential is not Credential.UNSCOPED:
        return Denial.FIRST_PARTY_ONLY
    return None
