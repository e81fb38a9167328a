"""Decides a possible request by the same functions that decide served requests."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.urls import Resolver404, resolve
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from api_guard.access.endpoints import (
    Status,
    dotted_path,
    gate_status_of,
    policy_of,
    view_class_of,
    view_classes_of,
)
from api_guard.core.caller import Caller
from api_guard.core.decision import Decision, Denial, decide
from api_guard.core.operations import Operation
from api_guard.core.policy import Policy
from api_guard.core.requirements import Requirement
from api_guard.decorators.counting import used
from api_guard.exceptions import GuardUnavailable
from api_guard.explain.asking import caller_for
from api_guard.explain.objects import judge_object
from api_guard.explain.operations import handles, operation_at, permissions_of
from api_guard.explain.remedies import granted_words, needs_for, remedies_for
from api_guard.explain.said import Answer, Explanation, Need, Question, Step
from api_guard.middleware import refuse_undeclared


def explain(question: Question) -> Explanation:
    """Decide whether api_guard would let a request in now, and say why.

    It counts nothing. It runs no code of the project except URL converters and, if the question
    says so, functions of object rules.
    """
    try:
        match = resolve(question.path, question.urlconf)
    except Resolver404:
        return _refused("no_route", gettext_noop("route"), _("No URL matches %s.") % question.path)
    callback, status = match.func, gate_status_of(match.func, question.path)
    refused = refuse_undeclared(callback, status, view_classes_of(callback))
    if refused is not None:
        refusal, endpoint = refused
        fix = _("Guard the view, or name it in API_GUARD['EXEMPT'] with a reason.")
        text = _("%s is neither guarded nor exempt, or has lost its guard.")
        return _refused(refusal.default_code, _GATE, text % dotted_path(endpoint), fix)
    cls = view_class_of(callback)
    if cls is None or status is not Status.GUARDED:
        is_exempt = status is Status.EXEMPT
        text = _("It is exempt.") if is_exempt else _("It is not a guarded view.")
        step = Step(_GATE, Answer.NOT_EVALUATED, text)
        return Explanation(Answer.ALLOWED, "not_guarded", (step,))
    way = _Way(question, callback, cls, operation_at(callback, question.method))
    steps: list[Step] = []
    for step in way.steps(match.kwargs):
        steps.append(step)
        if step.answer == Answer.REFUSED:
            return Explanation(step.answer, way.reason, tuple(steps), way.remedies, way.needs)
    return Explanation(Answer.ALLOWED, "", tuple(steps))


_GATE = gettext_noop("gate")
_RATES = gettext_noop("rates")
_REQUIREMENT = gettext_noop("requirement")


class _Way:
    """The way of one request through a guarded view."""

    def __init__(self, question: Question, callback: Any, cls: type, operation: Operation) -> None:
        self.question, self.callback, self.cls = question, callback, cls
        self.operation = operation
        self.policy = policy_of(cls)
        self.reason = ""
        self.remedies: tuple[str, ...] = ()
        self.needs: tuple[Need, ...] = ()

    def steps(self, kwargs: dict[str, Any]) -> Iterator[Step]:
        """Yield the steps in their order, until the first refusal."""
        caller, said = caller_for(self.question, self.callback, self.cls)
        self.reason = "invalid_token"
        yield said
        if self.policy is not None:
            yield self._rates(caller, self.policy)
            yield self._judged(caller, self.policy.requirement_for(self.operation), _REQUIREMENT)
        for requirement, name in permissions_of(self.callback, self.cls):
            if requirement is None:
                text = _("%s is the view's own permission.") % name
                yield Step(gettext_noop("permission"), Answer.NOT_EVALUATED, text)
            else:
                yield self._judged(caller, requirement, "HasScopes")
        if not handles(self.callback, self.cls, self.operation):
            self.reason = "method_not_allowed"
            text = _("It has no handler for %s.") % self.operation.method
            yield Step(gettext_noop("handler"), Answer.REFUSED, text)
        found = judge_object(self.question, self.callback, self.cls, self.operation, caller, kwargs)
        if found is not None:
            self.reason, step = found
            yield step

    def _rates(self, caller: Caller, policy: Policy) -> Step:
        user = self.question.user if caller.user_id is not None else None
        try:
            usages = used(self.cls, policy, self.operation, caller, user)
        except GuardUnavailable:
            return Step(_RATES, Answer.NOT_EVALUATED, _("The counters could not be read."))
        over = [usage for usage in usages if usage.exceeded]
        self.reason = "rate_limited"
        if over:
            text = _("%(rate)s for %(wait)s seconds")
            said = ", ".join(text % {"rate": each.rate.name, "wait": each.wait} for each in over)
            return Step(_RATES, Answer.REFUSED, _("Used up: %s.") % said)
        text = _("%(count)s of %(rate)s")
        left = ", ".join(
            text % {"count": each.remaining, "rate": each.rate.name} for each in usages
        )
        if not left and policy.rates_for(self.operation)[1]:
            return Step(_RATES, Answer.NOT_EVALUATED, _("They are counted by address."))
        said = _("Left: %s.") % left if left else _("There are none.")
        return Step(_RATES, Answer.ALLOWED, said)

    def _judged(self, caller: Caller, requirement: Requirement | None, name: str) -> Step:
        decision = decide(requirement, caller)
        if requirement is None:
            text = _("For %(operation)s, nothing is declared.")
        else:
            text = _("For %(operation)s, %(requirement)s is required.")
        text %= {"operation": _named(self.operation), "requirement": requirement}
        text += granted_words(requirement, self.question, caller)
        if decision.allowed:
            return Step(name, Answer.ALLOWED, text)
        self.reason = self._code(decision)
        self.remedies = remedies_for(decision, requirement, self.question, caller)
        self.needs = needs_for(decision, requirement, self.question, caller)
        return Step(name, Answer.REFUSED, text)

    def _code(self, decision: Decision) -> str:
        is_handled = handles(self.callback, self.cls, self.operation)
        if decision.denial is Denial.NOT_OFFERED and not is_handled:
            return "method_not_allowed"
        return "" if decision.denial is None else decision.denial.value


def _named(operation: Operation) -> str:
    return f"{operation.method} ({operation.action})" if operation.action else operation.method


def _refused(reason: str, name: str, text: str, *remedies: str) -> Explanation:
    return Explanation(Answer.REFUSED, reason, (Step(name, Answer.REFUSED, text),), remedies)
