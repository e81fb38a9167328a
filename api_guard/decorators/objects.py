"""Limits the objects that a request can find and show to those the object rule allows."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

from asgiref.sync import sync_to_async
from django.db.models import Model

from api_guard.access import ownership
from api_guard.access.endpoints import models_everywhere, policy_of
from api_guard.access.failures import failures_as_refusals
from api_guard.access.vetting import VETTING, is_new, vet, vet_shown, watch, watch_loads
from api_guard.core.policy import Policy
from api_guard.decorators.handling import Handling
from api_guard.exceptions import HiddenObject

Beyond = Callable[..., Any]


class ObjectHooks:
    """The hooks that find and show objects, for one view instance (one request)."""

    def __init__(self, view: Any) -> None:
        self.view = view
        # The policy of the class counts. An instance cannot change it.
        self.policy = policy_of(type(view)) or Policy()
        self.handling = Handling(view, self.policy)
        self.vetting = self.handling.vetting
        view.__dict__[VETTING] = self.vetting

    def watch(self) -> None:
        """Watch, through Django's signals, all changes to the models that have a rule."""
        for model in models_everywhere():
            watch(self.vetting, model)
        if self.vetting.model is not None:
            watch(self.vetting, self.vetting.model)
            if self.vetting.rule is not None:
                watch_loads(self.vetting.model)

    def get_queryset(self, beyond: Beyond, /, *args: Any, **kwargs: Any) -> Any:
        """Narrow the queryset that the view starts from, and learn the view's model."""
        return self._later(beyond(*args, **kwargs), self._start)

    def _start(self, queryset: Any) -> Any:
        self._learn(getattr(queryset, "model", None))
        return self.vetting.narrow(queryset)

    def _learn(self, model: Any) -> None:
        """Take the model of this queryset as the view's model, unless the guard names one."""
        vetting = self.vetting
        if model is None or self.policy.model is not None or model is vetting.model:
            return
        rule = vetting.rule
        is_owned = rule is not None and rule.owner is not None
        leads = is_owned and ownership.leads_to_user(model, str(rule and rule.owner)) is not None
        if vetting.model is None or not is_owned or leads or vetting.root(model) is not None:
            if vetting.model is not None and vetting.root(model) is None:
                vetting.held.add(vetting.model)
            vetting.model = model
            self.watch()

    def filter_queryset(self, beyond: Beyond, /, *args: Any, **kwargs: Any) -> Any:
        """Narrow the result of the view's filters, whatever queryset they started from."""
        return self._later(beyond(*args, **kwargs), self.vetting.narrow)

    afilter_queryset = filter_queryset

    def get_object(self, beyond: Beyond, /, *args: Any, **kwargs: Any) -> Any:
        """Check the object, no matter where the view got it."""
        return self._later(beyond(*args, **kwargs), self._vetted)

    aget_object = get_object

    def _vetted(self, found: Any) -> Any:
        if isinstance(found, Model):
            if is_new(found):
                self.vetting.has_run = self.vetting.has_vetted = True  # nothing is stored yet
            else:
                vet(self.vetting, found)
        return found

    def _later(self, result: Any, use: Callable[[Any], Any]) -> Any:
        """Apply `use` to the result of a hook; if that is a coroutine, to its later result."""
        if not inspect.isawaitable(result):
            return use(result)

        async def wait() -> Any:
            return await sync_to_async(use)(await result)

        return wait()

    def get_serializer(self, beyond: Beyond, /, *args: Any, **kwargs: Any) -> Any:
        """Check the objects that the serializer is given to show."""
        serializer = beyond(*args, **kwargs)
        if self.vetting.request is not None and not self.vetting.is_suspended:
            vet_shown(self.vetting, serializer)
        return serializer

    def vet_object(self, obj: Any) -> None:
        """Raise HiddenObject if the rule does not give the object to the caller."""
        vetting = self.vetting
        if vetting.rule is None:
            return
        if not isinstance(obj, Model):
            raise HiddenObject
        if vetting.model is None:
            vetting.model = obj.__class__
            self.watch()
        if is_new(obj):
            return  # made in this request; checked when it is saved
        with failures_as_refusals(self.view, "the object rule"):
            vet(vetting, obj)
