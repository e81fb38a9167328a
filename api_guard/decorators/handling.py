"""The handler of one request: what was decided for it, and that it runs now."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from rest_framework.request import Request

from api_guard.access.endpoints import model_of, operation_of
from api_guard.access.reporting import reported_at
from api_guard.access.vetting import Vetting, current, enter, within
from api_guard.core.caller import Caller
from api_guard.core.decision import decide
from api_guard.core.policy import Operation, Policy
from api_guard.decorators.net import Net


class Handling:
    """What a handler of `view` runs under.

    `decided` is the operation that was let in, and `caller` who asked for it. `outer` is of the
    guarded view whose handler called this view, if one did.
    """

    def __init__(self, view: Any, policy: Policy) -> None:
        self.view = view
        self.policy = policy
        self.decided: Operation | None = None
        self.caller: Caller | None = None
        self.outer: Vetting | None = None
        self.is_running = False
        self.has_run = False
        # Whether refusals are only reported.
        self.is_reported = False
        self.vetting = Vetting(view, model_of(type(view)), self.operation)

    def operation(self) -> Operation:
        """Return the decided operation while its handler runs, whatever the request becomes."""
        if self.is_running and self.decided is not None:
            return self.decided
        return operation_of(self.view, getattr(self.view, "request", None))

    def admit(self, operation: Operation, caller: Caller) -> None:
        """Remember what was decided; from here on the objects are vetted."""
        self.decided, self.caller = operation, caller
        # What a permission did with the queryset tells nothing about the handler.
        self.vetting.begin()
        self.outer = current()
        enter(self.vetting)

    def would_allow(self, operation: Operation) -> bool:
        """Whether the admitted caller meets the requirement of another operation too."""
        requirement = self.policy.requirement_for(operation)
        if self.is_reported and reported_at(self.view.request, requirement) is not None:
            return True
        return self.caller is not None and decide(requirement, self.caller).allowed

    @contextmanager
    def as_decided(self, operation: Operation) -> Iterator[None]:
        """Treat `operation` as the decided one meanwhile; its object rule has not run yet."""
        before, self.decided = self.decided, operation
        self.vetting.begin()
        try:
            yield
        finally:
            self.decided = before

    @contextmanager
    def running(self, request: Any) -> Iterator[None]:
        """Run the handler inside the net, with its objects vetted."""
        vetting = self.vetting
        self.is_running = self.has_run = True
        vetting.pinned = request if isinstance(request, Request) else None
        try:
            with Net(self.view, request).catching(), within(vetting):
                yield
            if self.outer is not None and vetting.has_run:
                # A view that answers with another guarded view answers under that view's rule.
                self.outer.has_run = True
        finally:
            self.is_running = False
            vetting.pinned = None
