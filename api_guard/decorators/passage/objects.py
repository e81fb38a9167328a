"""What an object rule lets a request find, see and save."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from threading import get_ident
from typing import Any

from django.db import models
from django.http import Http404
from rest_framework.generics import GenericAPIView
from rest_framework.request import Request

from api_guard import ownership
from api_guard.callers import caller_of
from api_guard.core.policy import ObjectRule, Operation, Policy
from api_guard.decorators.net import save_whole
from api_guard.decorators.saving import check_on_save
from api_guard.endpoints import model_of, policy_of
from api_guard.failures import failures_as_refusals

Beyond = Callable[..., Any]


class ObjectPassage:
    """What the guard knows of the objects of one view instance, which is one request.

    `vetted` are the stored objects that the rule has passed.
    """

    def __init__(self, view: Any) -> None:
        self.view = view
        self.vetted: set[tuple[type, object]] = set()
        self.written: set[tuple[type, object]] = set()
        self.rule_ran = False
        self._loading: set[int] = set()

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


def _stock(cls: type, name: str) -> object:
    """Return the first function called `name` that is no wrapper of ours."""
    found = (ancestor.__dict__.get(name) for ancestor in cls.__mro__)
    functions = (getattr(function, "own", function) for function in found)
    return next(function for function in functions if function is not None)
