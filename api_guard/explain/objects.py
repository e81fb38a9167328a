"""Decides whether the object rule lets the caller have the object in the path."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import FieldError, ValidationError
from django.db import router
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from api_guard.access import ownership
from api_guard.access.endpoints import initkwarg, model_of, policy_of
from api_guard.core.caller import Caller
from api_guard.core.objects import AnyObject, ObjectRule, takes_request
from api_guard.core.operations import Operation
from api_guard.exceptions import RuleFailed
from api_guard.explain.said import Answer, Question, Step

_NAME = gettext_noop("object rule")
Found = tuple[str, Step]


def judge_object(
    question: Question,
    callback: Any,
    cls: type,
    operation: Operation,
    caller: Caller,
    kwargs: dict[str, Any],
) -> Found | None:
    """Return the code and the step of the object that a path names; None without an object rule."""
    policy = policy_of(cls)
    rule = None if policy is None else policy.object_rule_for(operation)
    if rule is None or rule.is_any or operation == Operation("OPTIONS", "metadata"):
        return None  # DRF's own description of a view shows no object
    model = model_of(cls, getattr(callback, "initkwargs", None))
    field = initkwarg(callback, cls, "lookup_field") or ""
    argument = initkwarg(callback, cls, "lookup_url_kwarg") or field
    if model is None or argument not in kwargs:
        return _open(_("It shows what %s leaves to the caller.") % rule)
    if not _may_ask(rule, question):
        return _open(_("%s is a function of the project.") % rule)
    rows = model._base_manager.using(router.db_for_write(model))
    try:
        allowed = ownership.restriction(rule, caller, model, None)
        found = rows.filter(**{field: kwargs[argument]})
        if not found.exists():
            return "not_found", Step(_NAME, Answer.REFUSED, _("There is no such object."))
        own = found if allowed is None else found.filter(pk__in=rows.filter(allowed).values("pk"))
        if own.exists():
            said = _("%s leaves this object to the caller.") % rule
            return "", Step(_NAME, Answer.ALLOWED, said)
    except (FieldError, ValidationError, ValueError):
        said = f"{field}={kwargs[argument]!r}"
        return _open(_("%s cannot be looked up.") % said)
    except RuleFailed:
        return "rule_failed", Step(_NAME, Answer.REFUSED, _("%s failed.") % rule)
    text = _("%s hides this object: for the caller, it does not exist.") % rule
    return "hidden_object", Step(_NAME, Answer.REFUSED, text)


def _may_ask(rule: ObjectRule, question: Question) -> bool:
    if rule.narrow is None or isinstance(rule.narrow, AnyObject):
        return True
    return question.runs_functions and not takes_request(rule.narrow)


def _open(text: str) -> Found:
    return "", Step(_NAME, Answer.NOT_EVALUATED, text)
