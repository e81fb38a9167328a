"""One request's way through a guarded view: what each wrapped hook does and remembers."""

from __future__ import annotations

import logging
from typing import Any

from django.http import HttpResponseBase
from django.utils.cache import patch_vary_headers
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
from api_guard.core.policy import Operation
from api_guard.core.rates import Usage, rate_limit_fields
from api_guard.core.report_only import ReportOnly
from api_guard.core.requirements import Requirement
from api_guard.decorators.counting import asked_of, count
from api_guard.decorators.handlers import stand_by_handlers
from api_guard.decorators.identity import establish, hold_identity
from api_guard.decorators.incoming import refuse_malformed, refuse_parsed_form
from api_guard.decorators.objects import Beyond, ObjectHooks
from api_guard.decorators.outgoing import protect
from api_guard.exceptions import RateLimited, UncheckedObject, Unsealed
from api_guard.permissions import refusal_for, strict

logger = logging.getLogger("api_guard")

# On a view instance: its passage.
PASSAGE = "_api_guard_passage"


class Passage(ObjectHooks):
    """What the guard knows of one view instance, which is one request.

    `active` names the hooks that run now.
    """

    def __init__(self, view: Any) -> None:
        super().__init__(view)
        self.active: set[tuple[int, str]] = set()
        self.usages: tuple[Usage, ...] = ()
        self._requirement: Requirement | None = None
        self._is_deciding = False
        # What answers instead of a refusal, and whether it has: API_GUARD["REPORT_ONLY"].
        self._reported: ReportOnly | None = None
        self._is_held_back = False

    def initialize_request(self, beyond: Beyond, /, *args: Any, **kwargs: Any) -> Any:
        """Have whoever asks for the user first authenticate as the guard does."""
        request = beyond(*args, **kwargs)
        hold_identity(request)
        return request

    def initial(self, beyond: Beyond, request: Request, /, *args: Any, **kwargs: Any) -> None:
        """Let the view check, make sure that the guard was asked, and stand by the handler."""
        refuse_malformed(self.view, request)
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
        refuse_parsed_form(self.view, request)
        self.watch()
        stand_by_handlers(self.handling, request)
        if not self._is_held_back:
            record_allowed(self.view, request, self._requirement)

    def perform_authentication(self, beyond: Beyond, request: Request, /) -> None:
        """Authenticate now, whatever the view does, and say so where that cannot be done."""
        with faults_as_unavailable():
            if is_own_of(APIView, type(self.view), "perform_authentication"):
                operation = operation_of(self.view, request)
                holdings.ask(request, asked_of(type(self.view), self.policy, operation))
            establish(request)
            beyond(request)
            caller_of(request)
            holdings.forget(request)

    def permission_denied(
        self, beyond: Beyond, request: Request, /, *args: Any, **kwargs: Any
    ) -> None:
        """Refuse, even where the view's own method returns."""
        beyond(request, *args, **kwargs)
        logger.error(
            "%s.permission_denied() returned: refused all the same. Raise an exception in it.",
            dotted_path(type(self.view)),
        )
        APIView.permission_denied(self.view, request, *args, **kwargs)

    def check_permissions(self, beyond: Beyond, request: Request, /) -> None:
        """Count and decide once, in the view's own `initial`; any other call is a probe."""
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
            if decision.denial is Denial.NOT_OFFERED and not self._handles(operation):
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
        """Let a permission admit only by returning exactly True."""
        is_awaited = hasattr(self.view, "check_async_permissions")
        return [strict(each, is_awaited=is_awaited) for each in beyond(*args, **kwargs)]

    def check_object_permissions(self, beyond: Beyond, request: Request, obj: Any, /) -> None:
        """Hide an object that is not the caller's; then ask the view's own permissions."""
        self.vet_object(obj)
        if self._reported is not None and self._is_held_back:
            ask_object(self._reported, self.view, request, obj)
        with failures_as_refusals(self.view, "an object permission"):
            beyond(request, obj)

    def finalize_response(
        self, beyond: Beyond, request: Request, response: Any, /, *args: Any, **kwargs: Any
    ) -> HttpResponseBase:
        """Say in headers what is left of the rates, and that a private answer is nobody else's."""
        decided = self.handling.decided
        if decided is not None and not self.handling.has_run:
            response = self._judge_unhandled(decided, response)
        final: HttpResponseBase = beyond(request, response, *args, **kwargs)
        protect(final)
        if not self._is_for_all(request):
            # A cache before the view would answer after a revoke, and would answer others.
            final.headers.setdefault("Cache-Control", "private, no-store")
            patch_vary_headers(final, ("Authorization", "Cookie"))
        for name, value in rate_limit_fields(self.usages).items():
            final.headers[name] = value
        return final

    def _judge_unhandled(self, operation: Operation, response: Any) -> Any:
        """Hold the answer of a dispatch() that called no handler to the object rule."""
        try:
            conclude(self.vetting, operation, response)
            if self.vetting.pending:
                # Left by an event loop, in which nothing can be asked any more.
                refuse_unchecked(self.vetting, operation)
        except UncheckedObject as refusal:
            return self.view.handle_exception(refusal)
        return response

    def _is_for_all(self, request: Any) -> bool:
        """Whether a public view has answered somebody who showed no credential."""
        if self._requirement is None or not self._requirement.is_public:
            return False
        return not caller_of(request).is_authenticated

    def _count(
        self, operation: Operation, request: Request, requirement: Requirement | None
    ) -> None:
        try:
            self.usages = count(type(self.view), self.policy, operation, request, requirement)
        except RateLimited as refusal:
            if self._reported is not None:
                refusal.requirement = requirement
                tell(refusal, request, self.view)
                return
            self.usages = refusal.usages
            raise

    def _handles(self, operation: Operation) -> bool:
        name = operation.method.lower()
        return name in self.view.http_method_names and hasattr(self.view, name)
