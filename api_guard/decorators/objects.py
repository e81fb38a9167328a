"""What an object rule lets a request find and show."""

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
    """The hooks of a view that find and show objects, for one instance, which is one request."""

    def __init__(self, view: Any) -> None:
        self.view = view
        # That of the class; what an instance says of itself does not count.
        self.policy = policy_of(type(view)) or Policy()
        self.handling = Handling(view, self.policy)
        self.vetting = self.handling.vetting
        view.__dict__[VETTING] = self.vetting

    def watch(self) -> None:
        """Have Django tell of what happens to the models that are held."""
        for model in models_everywhere():
            watch(self.vetting, model)
        if self.vetting.model is not None:
            watch(self.vetting, self.vetting.model)
            if self.vetting.rule is not None:
                watch_loads(self.vetting.model)

    def get_queryset(self, beyond: Beyond, /, *args: Any, **kwargs: Any) -> Any:
        """Narrow what the view starts from, and learn what the view is about."""
        return self._later(beyond(*args, **kwargs), self._start)

    def _start(self, queryset: Any) -> Any:
        self._learn(getattr(queryset, "model", None))
        return self.vetting.narrow(queryset)

    def _learn(self, model: Any) -> None:
        """Take what the view shows now for what it is about, unless its guard says a model."""
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
        """Narrow what the view's filters have left, whatever they were given."""
        return self._later(beyond(*args, **kwargs), self.vetting.narrow)

    afilter_queryset = filter_queryset

    def get_object(self, beyond: Beyond, /, *args: Any, **kwargs: Any) -> Any:
        """Vet the object, wherever the view took it from."""
        return self._later(beyond(*args, **kwargs), self._vetted)

    aget_object = get_object

    def _vetted(self, found: Any) -> Any:
        if isinstance(found, Model):
            if is_new(found):
                self.vetting.has_run = self.vetting.has_vetted = True  # there is nothing stored
            else:
                vet(self.vetting, found)
        return found

    def _later(self, result: Any, use: Callable[[Any], Any]) -> Any:
        """Use what a hook returns; what a coroutine returns, once that is there."""
        if not inspect.isawaitable(result):
            return use(result)

        async def wait() -> Any:
            return await sync_to_async(use)(await result)

        return wait()

    def get_serializer(self, beyond: Beyond, /, *args: Any, **kwargs: Any) -> Any:
        """Vet what the serializer is given to show."""
        serializer = beyond(*args, **kwargs)
        if self.vetting.request is not None and not self.vetting.is_suspended:
            vet_shown(self.vetting, serializer)
        return serializer

    def vet_object(self, obj: Any) -> None:
        """Raise HiddenObject for an object that the rule does not leave to the caller."""
        vetting = self.vetting
        if vetting.rule is None:
            return
        if not isinstance(obj, Model):
            raise HiddenObject
        if vetting.model is None:
            vetting.model = obj.__class__
            self.watch()
        if is_new(obj):
            return  # made in this request, and judged where it is saved
        with failures_as_refusals(self.view, "the object rule"):
            vet(vetting, obj)
