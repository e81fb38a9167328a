"""Says what would have to be granted to whom, or changed, to allow what is refused."""

from __future__ import annotations

from collections.abc import Iterator

from api_guard import grants
from api_guard.core.caller import Caller
from api_guard.core.decision import Decision, Denial
from api_guard.core.decision_records import Lacks, lacks_of
from api_guard.core.requirements import Requirement
from api_guard.core.scopes import Credential
from api_guard.explain.said import Question

_WORDS = {
    Denial.NOT_OFFERED: "state a requirement for this operation in the view's guard.",
    Denial.NOT_AUTHENTICATED: "sign in, or send an access token.",
    Denial.USER_ONLY: "come as a user; a client on its own behalf is not one.",
    Denial.STAFF_ONLY: "make the user staff: is_staff.",
    Denial.FIRST_PARTY_ONLY: (
        "come by a session, or name a scope beside the standing in the view's guard."
    ),
}


def remedies_for(
    decision: Decision, requirement: Requirement | None, question: Question, caller: Caller
) -> tuple[str, ...]:
    """Return what would allow it, each as a sentence; all of them are needed."""
    if decision.denial in _WORDS:
        return (_WORDS[decision.denial],)
    if requirement is None or caller.credential is Credential.UNKNOWN:
        return (
            "give the authenticator token_scopes() and token_client(), or list it as unscoped.",
        )
    return tuple(_missing(requirement, question, caller))


def granted_words(requirement: Requirement | None, question: Question, caller: Caller) -> str:
    """Say which required scopes are granted, through what, and which grants have ended."""
    if requirement is None or not requirement.scopes or not caller.is_authenticated:
        return ""
    user = question.user if caller.user_id is not None else None
    names = requirement.scope_names
    live = grants.ways(user, caller.client_id, names)
    over = grants.ended(user, caller.client_id, names)
    words = f" Granted: {'; '.join(map(str, live))}." if live else " Nothing of it is granted."
    return words + (f" Ended: {'; '.join(map(str, over))}." if over else "")


def _missing(requirement: Requirement, question: Question, caller: Caller) -> Iterator[str]:
    granted = caller.look_up()
    if caller.credential is Credential.TOKEN and caller.client_id is None:
        yield 'issue the token to a client, or set API_GUARD["CLIENTLESS_TOKENS"] = "user".'
    for group in requirement.scopes:
        one = Requirement(None, (group,))
        lacks = lacks_of(one, caller.credential, caller.carried, granted, None)
        said = [_grants(name, lacks, question) for name in group]
        if all(said):
            yield f"{'; or '.join(said)}."


def _grants(name: str, lacks: Lacks, question: Question) -> str:
    """Say what is needed for one scope; "" if no side lacks it."""
    needed = []
    if name in (lacks.user or ()):
        needed.append(f"grant {name} to user {question.user}, or to a group of that user")
    if name in (lacks.client or ()):
        needed.append(f"grant {name} to client {question.client}")
    if name in (lacks.token or ()):
        needed.append(f"get a token that carries {name}")
    return ", and ".join(needed)
