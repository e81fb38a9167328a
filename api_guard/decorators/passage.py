"""A request's way through a guarded view: what each wrapped hook does and remembers."""

from __future__ import annotations

import logging
from typing import Any

from django.http import HttpResponseBase
from rest_framework.exceptions import MethodNotAllowed
from rest_framework.request import Request
from rest_framework.views import APIView

from api_guard import grants
from api_guard.access import holdings
from api_guard.access.callers import caller_of, rows_behind
from api_guard.access.decisions import record_allowed
from api_guard.access.endpoints import dotted_path, is_own_of, operation_of
from api_guard.access.failures import failures_as_refusals, faults_as_unavailable
from api_guard.access.record import record_decision
from api_guard.access.reporting import ask, ask_object, reported_at, tell
from api_guard.access.vetting import conclude, refuse_unchecked
from api_guard.core.decision import Denial, decide
from api_guard.core.operations import Operation
from api_guard.core.rates import Usage
from api_guard.core.report_only import ReportOnly
from api_guard.core.requirements import Requirement
from api_guard.decorators.counting import asked_of, count
from api_guard.decorators.handlers import handles, stand_by_handlers
from api_guard.decorators.identity import establish, hold_identity
from api_guard.decorators.incoming import refuse_malformed
from api_guard.decorators.objects import Beyond, ObjectHooks
from api_guard.decorators.outgoing import is_for_all, set_headers
from api_guard.exceptions import RateLimited, UncheckedObject, Unsealed
from api_guard.parsers import refuse_parsed
from api_guard.parsers.reading import limits_of
from api_guard.permissions import refusal_for, strict

logger = logging.getLogger("api_guard")

# The attribute of a view instance that holds its passage.
PASSAGE = "_api_guard_passage"


class Passage(ObjectHooks):
    """What the guard knows about one view instance (one request).

    `active` lists the hooks that run now.
    """

    def __init__(self, view: Any) -> None:
        super().__init__(view)
        self.active: set[tuple[int, str]] = set()
        self.usages: tuple[Usage, ...] = ()
        self._requirement: Requirement | None = None
        self._question: tuple[Operation, grants.Asked] | None = None
        self._is_deciding = False
        # For API_GUARD["REPORT_ONLY"]: what answers instead of a refusal, and whether it did.
        self._reported: ReportOnly | None = None
        self._is_held_back = False

    def initialize_request(self, beyond: Beyond, /, *args: Any, **kwargs: Any) -> Any:
        """Make the first code that asks for the user authenticate as the guard does."""
        request = beyond(*args, **kwargs)
        hold_identity(request)
        return request

    def initial(self, beyond: Beyond, request: Request, /, *args: Any, **kwargs: Any) -> None:
        """Run the view's checks, make sure that the guard decided, and wrap the handlers."""
        limits = limits_of(type(self.view))
        refuse_malformed(self.view, request, limits)
        self._is_deciding = True
        try:
            beyond(request, *args, **kwargs)
        finally:
            self._is_deciding = False
        if self.handling.decided is None:
            logger.error(
                "%s.initial() ran without check_permissions(): call super().initial(request, "
                "*args, **kwargs) in it.",
                dotted_path(type(self.view)),
            )
            raise Unsealed
        needed = None if self._is_held_back else self._requirement
        if needed is not None and needed.scopes:
            grants.record_use(rows_behind(request), needed.scope_names)
        refuse_parsed(request._request, limits)
        self.watch()
        stand_by_handlers(self.handling, request)
        if not self._is_held_back:
            record_allowed(self.view, request, self._requirement)

    def perform_authentication(self, beyond: Beyond, request: Request, /) -> None:
        """Authenticate now, even if the view's own method does not; answer 503 if that fails."""
        with faults_as_unavailable():
            if is_own_of(APIView, type(self.view), "perform_authentication"):
                operation = operation_of(self.view, request)
                holdings.ask(request, self._asked(operation))
            establish(request)
            beyond(request)
            caller_of(request)
            holdings.forget(request)

    def permission_denied(
        self, beyond: Beyond, request: Request, /, *args: Any, **kwargs: Any
    ) -> None:
        """Refuse, even if the view's own method returns."""
        beyond(request, *args, **kwargs)
        logger.error(
            "%s.permission_denied() returned: refused all the same. Raise an exception in it.",
            dotted_path(type(self.view)),
        )
        APIView.permission_denied(self.view, request, *args, **kwargs)

    def check_permissions(self, beyond: Beyond, request: Request, /) -> None:
        """Count and decide once, in the view's own `initial`. Any other call is a probe."""
        operation = operation_of(self.view, request)
        with faults_as_unavailable():
            caller = caller_of(request)
            is_first = self._is_deciding and self.handling.decided is None
            requirement = self.policy.requirement_for(operation)
            reported = reported_at(request, requirement)
            if is_first:
                self._reported = reported
                self.vetting.is_suspended = self.handling.is_reported = reported is not None
                self._count(operation, request, requirement)
            decision = decide(requirement, caller)
        if not decision.allowed:
            if decision.denial is Denial.NOT_OFFERED and not handles(self.view, operation):
                raise MethodNotAllowed(operation.method)
            refusal = refusal_for(decision, caller, request, self.view, requirement)
            if reported is None:
                raise refusal
            if is_first:
                self._is_held_back = True
                tell(refusal, request, self.view)
            ask(reported, self.view, request)
        with failures_as_refusals(self.view, "a permission"):
            beyond(request)
        if is_first:
            self._requirement = requirement
            record_decision(request, self.view)
            self.handling.admit(operation, caller)

    def get_permissions(self, beyond: Beyond, /, *args: Any, **kwargs: Any) -> list[Any]:
        """Make sure that a permission allows only by returning exactly True."""
        is_awaited = hasattr(self.view, "check_async_permissions")
        return [strict(each, is_awaited=is_awaited) for each in beyond(*args, **kwargs)]

    def check_object_permissions(self, beyond: Beyond, request: Request, obj: Any, /) -> None:
        """Hide an object that is not the caller's. Then ask the view's own permissions."""
        self.vet_object(obj)
        if self._reported is not None and self._is_held_back:
            ask_object(self._reported, self.view, request, obj)
        with failures_as_refusals(self.view, "an object permission"):
            beyond(request, obj)

    def finalize_response(
        self, beyond: Beyond, request: Request, response: Any, /, *args: Any, **kwargs: Any
    ) -> HttpResponseBase:
        """Set the rate headers, and keep private answers out of shared caches."""
        decided = self.handling.decided
        if decided is not None and not self.handling.has_run:
            response = self._judge_unhandled(decided, response)
        final: HttpResponseBase = beyond(request, response, *args, **kwargs)
        set_headers(final, self.usages, is_for_all=is_for_all(self._requirement, request))
        return final

    def _judge_unhandled(self, operation: Operation, response: Any) -> Any:
        """Apply the object rule to the answer of a dispatch() that called no handler."""
        try:
            conclude(self.vetting, operation, response)
            if self.vetting.pending:
                # These were left in an event loop. It is too late to query the database for them.
                refuse_unchecked(self.vetting, operation)
        except UncheckedObject as refusal:
            return self.view.handle_exception(refusal)
        return response

    def _count(
        self, operation: Operation, request: Request, requirement: Requirement | None
    ) -> None:
        try:
            asked = self._asked(operation)
            self.usages = count(type(self.view), self.policy, operation, request, asked)
        except RateLimited as refusal:
            if self._reported is not None:
                refusal.requirement = requirement
                tell(refusal, request, self.view)
                return
            self.usages = refusal.usages
            raise

    def _asked(self, operation: Operation) -> grants.Asked:
        """Return what is asked about the caller of `operation`: once to read it, once to count."""
        if self._question is None or self._question[0] != operation:
            self._question = (operation, asked_of(type(self.view), self.policy, operation))
        return self._question[1]
