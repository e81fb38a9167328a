"""The caller of a question, as the authenticators of the view and the settings see it."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop
from rest_framework.views import APIView

from api_guard import tokens
from api_guard.access.callers import caller_as, is_unscoped, kind_of_token, says_scopes
from api_guard.access.endpoints import classes_of, is_own_of, listed_of
from api_guard.core.caller import Caller
from api_guard.core.scopes import NO_SCOPES, Credential
from api_guard.explain.said import Answer, Question, Step

_NAME = gettext_noop("credential")
ANONYMOUS = caller_as(None, None, Credential.NONE, NO_SCOPES)


def caller_for(question: Question, callback: Any, cls: type) -> tuple[Caller, Step]:
    """Return the caller, and the step that says how the credential was judged."""
    if question.user is None and question.client is None:
        return ANONYMOUS, Step(_NAME, Answer.ALLOWED, _("There is no credential."))
    kinds = _authenticators(callback, cls)
    if question.scopes is None and question.client is None:
        return _by_session(question, kinds)
    return _by_token(question, kinds)


def _by_session(question: Question, kinds: list[Any] | None) -> tuple[Caller, Step]:
    user: Any = question.user
    if getattr(user, "is_active", False) is not True:
        text = _("%s is not active, so has no session.") % user
        return ANONYMOUS, Step(_NAME, Answer.ALLOWED, text)
    if kinds is not None and not any(map(is_unscoped, kinds)):
        text = _(
            "This view has no authenticator for sessions or passwords: the caller is anonymous."
        )
        return ANONYMOUS, Step(_NAME, Answer.ALLOWED, text)
    caller = caller_as(user, None, Credential.UNSCOPED, NO_SCOPES)
    return caller, Step(_NAME, Answer.ALLOWED, _("%s, by a session or a password.") % user)


def _by_token(question: Question, kinds: list[Any] | None) -> tuple[Caller, Step]:
    user, client, carried = question.user, question.client, question.scopes or NO_SCOPES
    token = SimpleNamespace(is_expired=lambda: False, user=user, application=client)
    if not tokens.is_alive(token, None):
        text = _("The user is not active, or the client is not in use: its tokens are refused.")
        return ANONYMOUS, Step(_NAME, Answer.REFUSED, text)
    scoped = None if kinds is None else [each for each in kinds if says_scopes(each)]
    if scoped == []:
        others = [each for each in kinds or () if not is_unscoped(each)]
        if not others:
            text = _("This view has no authenticator for access tokens: the caller is anonymous.")
            return ANONYMOUS, Step(_NAME, Answer.ALLOWED, text)
        text = _("The authenticators of this view do not report scopes: the caller has none.")
        caller = caller_as(user, None, Credential.UNKNOWN, NO_SCOPES)
        return caller, Step(_NAME, Answer.ALLOWED, text)
    kind = kind_of_token(user, question.client_id, (scoped or [None])[0])
    caller = caller_as(user, question.client_id, kind, carried)
    names = " ".join(sorted(carried)) or _("no scopes")
    text = _("An access token of %(whose)s, which carries %(scopes)s.")
    text %= {"whose": _whose(question), "scopes": names}
    if question.client is None and kind is Credential.TOKEN:
        text += " " + _(
            'No client was issued it, so it has no scopes: API_GUARD["CLIENTLESS_TOKENS"].'
        )
    return caller, Step(_NAME, Answer.ALLOWED, text)


def _whose(question: Question) -> str:
    names = {"user": question.user, "client": question.client}
    if question.client is None:
        return _("user %(user)s") % names
    if question.user is None:
        return _("client %(client)s") % names
    return _("user %(user)s by client %(client)s") % names


def _authenticators(callback: Any, cls: type) -> list[Any] | None:
    """Return the authenticator classes of a view; None if its own code chooses them."""
    if not is_own_of(APIView, cls, "get_authenticators"):
        return None
    found = classes_of(callback, cls, "authentication_classes")
    listed = listed_of(callback, cls, "authentication_classes")
    return found if len(found) == len(listed) else None
