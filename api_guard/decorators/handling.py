"""The handler of one request: what was decided for it, and whether it runs now."""

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
from api_guard.core.operations import Operation
from api_guard.core.policy import Policy
from api_guard.decorators.net import Net


class Handling:
    """The state under which a handler of `view` runs.

    `decided` is the operation that was allowed, and `caller` the one who asked for it. If the
    handler of another guarded view called this view, `outer` belongs to that view.
    """

    def __init__(self, view: Any, policy: Policy) -> None:
        self.view = view
        self.policy = policy
        self.decided: Operation | None = None
        self.caller: Caller | None = None
        self.outer: Vetting | None = None
        self.is_running = False
        self.has_run = False
        # Whether refusals are only reported, not enforced.
        self.is_reported = False
        self.vetting = Vetting(view, model_of(type(view)), self.operation)

    def operation(self) -> Operation:
        """Return the decided operation while its handler runs, even if the request changes."""
        if self.is_running and self.decided is not None:
            return self.decided
        return operation_of(self.view, getattr(self.view, "request", None))

    def admit(self, operation: Operation, caller: Caller) -> None:
        """Remember what was decided. From here on, every object is checked."""
        self.decided, self.caller = operation, caller
        # A permission may have used the queryset. That says nothing about the handler.
        self.vetting.begin()
        self.outer = current()
        enter(self.vetting)

    def would_allow(self, operation: Operation) -> bool:
        """Whether the allowed caller also meets the requirement of another operation."""
        requirement = self.policy.requirement_for(operation)
        if self.is_reported and reported_at(self.view.request, requirement) is not None:
            return True
        return self.caller is not None and decide(requirement, self.caller).allowed

    @contextmanager
    def as_decided(self, operation: Operation) -> Iterator[None]:
        """Treat `operation` as the decided one for now. Its object rule has not run yet."""
        before, self.decided = self.decided, operation
        self.vetting.begin()
        try:
            yield
        finally:
            self.decided = before


class running:  # noqa: N801  # a context manager, which reads as a function
    """Run the handler inside the net, and check its objects."""

    # A class, because every request enters it, and a generator takes three times as long.
    __slots__ = ("_handling", "_net", "_within")

    def __init__(self, handling: Handling, request: Any) -> None:
        self._handling = handling
        self._net = Net(handling.view, request)
        self._within = within(handling.vetting)
        handling.vetting.pinned = request if isinstance(request, Request) else None

    def __enter__(self) -> None:
        self._net.__enter__()
        self._within.__enter__()
        self._handling.is_running = self._handling.has_run = True

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        handling = self._handling
        try:
            self._within.__exit__()
            self._net.__exit__(kind, error, trace)
            if error is None and handling.outer is not None and handling.vetting.has_run:
                # If a view answers with another guarded view, the rule of that other view applies.
                handling.outer.has_run = True
        finally:
            handling.is_running = False
            handling.vetting.pinned = None
