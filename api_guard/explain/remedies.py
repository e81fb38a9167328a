"""Says which grant or which change would allow a refused request."""

from __future__ import annotations

from collections.abc import Iterator

from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from api_guard import grants
from api_guard.core.caller import Caller
from api_guard.core.decision import Decision, Denial
from api_guard.core.decision_records import Lacks, lacks_of
from api_guard.core.requirements import Requirement
from api_guard.core.scopes import Credential, Granted
from api_guard.explain.said import Need, Question

_WORDS = {
    Denial.NOT_OFFERED: gettext_noop(
        "declare a requirement for this operation in the view's guard."
    ),
    Denial.NOT_AUTHENTICATED: gettext_noop("sign in, or send an access token."),
    Denial.USER_ONLY: gettext_noop("send a token of a user; this client acts on its own behalf."),
    Denial.STAFF_ONLY: gettext_noop("make the user staff: set is_staff."),
    Denial.FIRST_PARTY_ONLY: gettext_noop(
        "sign in with a session, or add a scope to the requirement in the view's guard."
    ),
}


def remedies_for(
    decision: Decision, requirement: Requirement | None, question: Question, caller: Caller
) -> tuple[str, ...]:
    """Return the changes that would allow it, as sentences. All of them are needed."""
    if decision.denial in _WORDS:
        return (_(_WORDS[decision.denial]),)
    if requirement is None or caller.credential is Credential.UNKNOWN:
        return (
            _("give the authenticator token_scopes() and token_client(), or list it as unscoped."),
        )
    return tuple(_missing(requirement, question, caller))


def needs_for(
    decision: Decision, requirement: Requirement | None, question: Question, caller: Caller
) -> tuple[Need, ...]:
    """Return the grants that are missing: what `remedies_for` says, for a program."""
    if decision.denial in _WORDS or requirement is None or caller.credential is Credential.UNKNOWN:
        return ()
    found = [
        Need(name, kind, str(row), str(row.pk))
        for group, lacks in _lacking(requirement, caller, caller.look_up())
        for name in group
        for kind, row, names in (
            ("user", question.user, lacks.user),
            ("client", question.client, lacks.client),
        )
        if row is not None and name in (names or ())
    ]
    return tuple(dict.fromkeys(found))


def granted_words(requirement: Requirement | None, question: Question, caller: Caller) -> str:
    """Say which required scopes are granted, through what, and which grants have ended."""
    if requirement is None or not requirement.scopes or not caller.is_authenticated:
        return ""
    user = question.user if caller.user_id is not None else None
    names = requirement.scope_names
    live = grants.ways(user, caller.client_id, names)
    over = grants.ended(user, caller.client_id, names)
    words = [_("None of these scopes is granted.")]
    if live:
        words = [_("Granted: %s.") % "; ".join(map(str, live))]
    if over:
        words.append(_("Ended: %s.") % "; ".join(map(str, over)))
    return " " + " ".join(words)


def _missing(requirement: Requirement, question: Question, caller: Caller) -> Iterator[str]:
    granted = caller.look_up()
    if caller.credential is Credential.TOKEN and caller.client_id is None:
        yield _('issue the token to a client, or set API_GUARD["CLIENTLESS_TOKENS"] = "user".')
    for group, lacks in _lacking(requirement, caller, granted):
        said = [_grants(name, lacks, question) for name in group]
        if all(said):
            yield _("; or ").join(said) + "."


def _lacking(
    requirement: Requirement, caller: Caller, granted: Granted
) -> Iterator[tuple[tuple[str, ...], Lacks]]:
    for group in requirement.scopes:
        one = Requirement(None, (group,))
        yield group, lacks_of(one, caller.credential, caller.carried, granted, None)


def _grants(name: str, lacks: Lacks, question: Question) -> str:
    """Say what is needed for one scope; "" if no side lacks it."""
    needed = []
    if name in (lacks.user or ()):
        text = _("grant %(scope)s to user %(name)s, or to a group of that user")
        needed.append(text % {"scope": name, "name": question.user})
    if name in (lacks.client or ()):
        text = _("grant %(scope)s to client %(name)s")
        needed.append(text % {"scope": name, "name": question.client})
    if name in (lacks.token or ()):
        needed.append(_("get a token that carries %s") % name)
    return _(", and ").join(needed)
