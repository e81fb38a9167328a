"""One request's way through a guarded view: what each wrapped hook does and remembers."""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import cached_property
from threading import get_ident
from typing import Any

from django.db import models
from django.http import Http404, HttpResponseBase
from django.utils.cache import patch_vary_headers
from rest_framework.exceptions import MethodNotAllowed
from rest_framework.generics import GenericAPIView
from rest_framework.request import Request

from api_guard import conf, grants, ownership, throttling
from api_guard.authentication import authenticate
from api_guard.callers import caller_of, overrides_of, rows_behind, throttle_key
from api_guard.core.decision import Denial, decide
from api_guard.core.demands import Demand
from api_guard.core.policy import (
    ObjectRule,
    Operation,
    Policy,
)
from api_guard.core.rates import Usage, overridden, rate_limit_fields
from api_guard.decorators.answers import answer_within_rule
from api_guard.decorators.incoming import refuse_malformed
from api_guard.decorators.net import hold_net, save_whole
from api_guard.decorators.outgoing import protect
from api_guard.decorators.saving import check_on_save
from api_guard.endpoints import counted_as, dotted_path, model_of, policy_of
from api_guard.exceptions import RateLimited, Unsealed
from api_guard.failures import failures_as_refusals, faults_as_unavailable
from api_guard.permissions import record_decision, refuse, strict

logger = logging.getLogger("api_guard")

Beyond = Callable[..., Any]
_ATTRIBUTE = "_api_guard_passage"


class Passage:
    """What the guard knows of one view instance, which is one request.

    `active` names the hooks that run now; `vetted` the stored objects that the rule has passed.
    """

    def __init__(self, view: Any) -> None:
        self.view = view
        self.active: set[tuple[int, str]] = set()
        self.vetted: set[tuple[type, object]] = set()
        self.written: set[tuple[type, object]] = set()
        self.usages: tuple[Usage, ...] = ()
        self.rule_ran = False
        self._demand: Demand | None = None
        self._is_deciding = False
        self._loading: set[int] = set()

    @classmethod
    def of(cls, view: Any) -> Passage:
        """Return the passage of `view`, a new one where it has none."""
        passage = view.__dict__.get(_ATTRIBUTE)
        if passage is None:
            passage = view.__dict__[_ATTRIBUTE] = cls(view)
        return passage  # type: ignore[no-any-return]

    @property
    def policy(self) -> Policy:
        """The policy of the class; what an instance says of itself does not count."""
        return policy_of(type(self.view)) or Policy()

    @cached_property
    def model(self) -> type[models.Model] | None:
        """The model that the object rule is about, where the view says so."""
        return model_of(type(self.view))

    @property
    def rule(self) -> ObjectRule | None:
        """The object rule for the operation at hand."""
        request = getattr(self.view, "request", None)
        return self.policy.object_rule_for(self.operation(request))

    def operation(self, request: Any) -> Operation:
        """Return the operation that `request` asks for; a probe's is that of its method."""
        method = str(getattr(request, "method", None) or "GET").upper()
        actions = getattr(self.view, "action_map", None) or {}
        # DRF's own answer to OPTIONS goes by this name, a routed one by its own.
        default = "metadata" if method == "OPTIONS" else None
        return Operation(method, actions.get(method.lower(), default))

    def initial(self, beyond: Beyond, request: Request, *args: Any, **kwargs: Any) -> None:
        """Let the view check, make sure that the guard was asked, and stand by the handler."""
        refuse_malformed(self, request)
        self._is_deciding = True
        try:
            beyond(request, *args, **kwargs)
        finally:
            self._is_deciding = False
        if self._demand is None:
            logger.error(
                "%s.initial() ran without check_permissions(): call super().initial(request, "
                "*args, **kwargs) in it.",
                dotted_path(type(self.view)),
            )
            raise Unsealed
        if self._demand.scopes:
            grants.record_use(rows_behind(request), self._demand.scope_names)
        answer_within_rule(self, request)
        hold_net(self, request)

    def perform_authentication(self, beyond: Beyond, request: Request) -> None:
        """Authenticate now, whatever the view does, and say so where that cannot be done."""
        with faults_as_unavailable():
            if "_authenticator" not in vars(request):
                authenticate(request)
            beyond(request)
            caller_of(request)

    def check_permissions(self, beyond: Beyond, request: Request) -> None:
        """Count and decide once, in the view's own `initial`; any other call is a probe."""
        operation = self.operation(request)
        with faults_as_unavailable():
            caller = caller_of(request)
            is_first = self._is_deciding and self._demand is None
            if is_first:
                self._count(operation, request)
            demand = self.policy.demand_for(operation)
            decision = decide(demand, caller)
        if not decision.allowed:
            if decision.denial is Denial.NOT_OFFERED and not self._handles(operation):
                raise MethodNotAllowed(operation.method)
            refuse(decision, caller, request, self.view)
        with failures_as_refusals(self.view, "a permission"):
            beyond(request)
        if is_first:
            self._demand = demand
            record_decision(request, self.view)
            # What a permission did with the queryset says nothing of what the view will do.
            self.rule_ran = False

    def get_permissions(self, beyond: Beyond, *args: Any, **kwargs: Any) -> list[Any]:
        """Let a permission admit only by returning exactly True."""
        return [strict(permission) for permission in beyond(*args, **kwargs)]

    def check_object_permissions(self, beyond: Beyond, request: Request, obj: Any) -> None:
        """Hide an object that is not the caller's; then ask the view's own permissions."""
        self.vet(request, obj)
        with failures_as_refusals(self.view, "an object permission"):
            beyond(request, obj)

    def get_queryset(self, beyond: Beyond, *args: Any, **kwargs: Any) -> Any:
        """Narrow what the view starts from, and learn what the view is about."""
        queryset = beyond(*args, **kwargs)
        # What the view shows now says more than what its class or its serializer lets one guess.
        self.model = getattr(queryset, "model", None) or self.model
        return self._narrow(queryset)

    def filter_queryset(self, beyond: Beyond, *args: Any, **kwargs: Any) -> Any:
        """Narrow what the view's filters have left, whatever they were given."""
        return self._narrow(beyond(*args, **kwargs))

    def get_object(self, beyond: Beyond, *args: Any, **kwargs: Any) -> Any:
        """Trust an object that DRF's own lookup took from the narrowed queryset."""
        if _stock(type(self.view), "get_object") is not GenericAPIView.get_object:
            return beyond(*args, **kwargs)
        self._loading.add(get_ident())
        try:
            return beyond(*args, **kwargs)
        finally:
            self._loading.discard(get_ident())

    def get_serializer(self, beyond: Beyond, *args: Any, **kwargs: Any) -> Any:
        """Hold what the serializer saves to the object rule, and what it points at."""
        serializer = beyond(*args, **kwargs)
        request = getattr(self.view, "request", None)
        if isinstance(request, Request) and request.method not in ("GET", "HEAD"):
            ownership.narrow_related(serializer, request, self.view)
            if self.rule is None or self.rule.is_any:
                save_whole(serializer)
            check_on_save(self, serializer, request)
        return serializer

    def finalize_response(
        self, beyond: Beyond, request: Request, response: Any, *args: Any, **kwargs: Any
    ) -> HttpResponseBase:
        """Say in headers what is left of the rates, and that a private answer is nobody else's."""
        final: HttpResponseBase = beyond(request, response, *args, **kwargs)
        protect(final)
        if not self._is_for_all(request):
            # A cache before the view would answer after a revoke, and would answer others.
            final.headers.setdefault("Cache-Control", "private, no-store")
            patch_vary_headers(final, ("Authorization", "Cookie"))
        for name, value in rate_limit_fields(self.usages).items():
            final.headers[name] = value
        return final

    def _is_for_all(self, request: Any) -> bool:
        """Whether a public view has answered somebody who showed no credential."""
        if self._demand is None or not self._demand.is_public:
            return False
        return not caller_of(request).is_authenticated

    def vet(self, request: Any, obj: Any, on_failure: type[Exception] = Http404) -> None:
        """Raise `on_failure` for an object that the rule does not leave to the caller.

        An object of another model than the view's is no business of its rule.
        """
        rule = self.rule
        if rule is None or rule.is_any:
            return
        if not isinstance(obj, models.Model):
            raise on_failure
        if not ownership.is_of(obj, self.model):
            return
        key = (obj._meta.model, obj.pk)
        if key not in self.vetted and get_ident() not in self._loading:
            with failures_as_refusals(self.view, "the object rule"):
                is_covered = ownership.covers(obj, rule, caller_of(request))
            if not is_covered:
                raise on_failure
        self.rule_ran = True
        self.vetted.add(key)

    def _narrow(self, queryset: Any) -> Any:
        rule = self.rule
        if rule is None or rule.is_any:
            return queryset
        request = getattr(self.view, "request", None)
        if not isinstance(request, Request):
            return queryset.none()  # a schema generator asks without a request, and gets no row
        self.rule_ran = True
        with failures_as_refusals(self.view, "the object rule"):
            return ownership.narrow(queryset, rule, caller_of(request))

    def _count(self, operation: Operation, request: Request) -> None:
        name, rates = self.policy.rates_for(operation)
        if not rates and not conf.is_set("CEILING"):
            return
        key = throttle_key(request)
        rates += conf.ceiling(key.partition(":")[0])
        view = counted_as(type(self.view), name)
        rates = overridden(rates, view, overrides_of(request))
        # Two views of one name, as a factory makes them, are told apart by what they demand.
        group = f"{view}:{self.policy.fingerprint}"
        try:
            self.usages = throttling.admit(group, key, rates)
        except RateLimited as refusal:
            self.usages = refusal.usages
            raise

    def _handles(self, operation: Operation) -> bool:
        name = operation.method.lower()
        return name in self.view.http_method_names and hasattr(self.view, name)


def _stock(cls: type, name: str) -> object:
    """Return the first function called `name` that is no wrapper of ours."""
    found = (ancestor.__dict__.get(name) for ancestor in cls.__mro__)
    functions = (getattr(function, "own", function) for function in found)
    return next(function for function in functions if function is not None)
