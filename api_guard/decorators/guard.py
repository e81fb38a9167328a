"""`guard(...)`: reads a policy and puts it on a view."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, TypeVar, cast

from django.db.models import Model, Q
from django.views import View
from rest_framework.views import APIView

from api_guard.access.endpoints import view_class_of
from api_guard.core.caller import Caller
from api_guard.core.limits import LimitsError
from api_guard.core.objects import AnyObject
from api_guard.core.policy import (
    Policy,
    parse_policy,
)
from api_guard.core.rates import RateError, Rates
from api_guard.core.requirements import PolicyError, Required
from api_guard.decorators.attaching import attach
from api_guard.decorators.callbacks import guard_class, guarded_function
from api_guard.decorators.misuse import is_misplaced, misplaced
from api_guard.decorators.plain import plain_of
from api_guard.exceptions import GuardError

V = TypeVar("V", bound=Callable[..., Any])
# An object rule: it takes the caller, and the request if it wants. None allows no object.
Narrowing = (
    AnyObject
    | Callable[[Caller], Q | AnyObject | None]
    | Callable[[Caller, Any], Q | AnyObject | None]
)


def guard(
    *,
    read: Required | None = None,
    write: Required | None = None,
    actions: Mapping[str, Required] | None = None,
    throttle: Rates | Mapping[str, Rates] | None = None,
    owner: str | Mapping[str, str] | None = None,
    objects: Narrowing | Mapping[str, Narrowing] | None = None,
    limits: Mapping[str, int | str] | None = None,
    keep: str | Narrowing | Mapping[str, str | Narrowing] | None = None,
    model: type[Model] | None = None,
    hold: Literal["everywhere"] | None = None,
    related: Mapping[str, AnyObject] | None = None,
) -> Guard:
    """Close a view to every caller that does not meet a requirement.

    `read` is for GET, HEAD and OPTIONS, `write` for every other method. A name in `actions` (a
    ViewSet's action, or an HTTP method) takes precedence. A requirement is a scope, `any_of(...)`,
    PUBLIC, SIGNED_IN or STAFF. A tuple of these requires all of them. An operation without a
    requirement is refused.

    `throttle` is a rate such as "20/m", or several rates. `owner` and `objects` limit the objects
    that the view finds: `owner` is the lookup that leads from an object to its user; `objects` is
    ANY_OBJECT, or a function that takes a Caller (and, if it wants, the request) and returns a Q.
    `keep` (a lookup, a function or ANY_OBJECT) limits the objects that a write may leave behind, if
    those differ. These four also take a mapping of slots and actions. `limits` are limits of a
    request that differ from `API_GUARD["LIMITS"]`: {"bytes": 5_000_000, "top": "list"}.

    `model` is the model of the object rules; a view without a queryset needs it.
    `hold="everywhere"` applies the rules in every guarded view. `related={"reviewer": ANY_OBJECT}`
    lets a field refer to objects that the rules of other views hide.

    The result is a value: put it above a class, above `@api_view`, or call it with a view. A plain
    Django view, a function or a class, takes requirements, rates and the limits of a request; what
    needs a queryset or a serializer is for views of DRF. An invalid policy raises GuardError at
    import.
    """
    try:
        policy = parse_policy(
            read=read,
            write=write,
            actions=actions,
            throttle=throttle,
            owner=owner,
            objects=objects,
            limits=limits,
            keep=keep,
            model=_model(model),
            hold=hold,
            related=related,
        )
    except (LimitsError, PolicyError, RateError) as error:
        raise GuardError(f"@guard: {str(error).removesuffix('.')}.") from None
    return Guard(policy)


def _model(model: object) -> type[Model] | None:
    if model is None or (isinstance(model, type) and issubclass(model, Model)):
        return model
    raise PolicyError(f"model={model!r} is not a model; write the class, such as model=Note")


@dataclass(frozen=True)
class Guard:
    """A policy that can be put on any number of views."""

    policy: Policy

    def __call__(self, view: V) -> V:
        """Put the policy on `view` and return it; return a subclass of a class in use."""
        if isinstance(view, type):
            return cast("V", self._on_class(view))
        cls = view_class_of(view)
        if cls is None or not issubclass(cls, APIView):
            if is_misplaced(view):
                raise GuardError(misplaced(view))
            return cast("V", guarded_function(view, self.policy))
        if plain_of(view) is not view:
            return cast("V", guarded_function(view, self.policy))
        if cls.__qualname__ == "WrappedAPIView":
            # @api_view made this class only for this function.
            attach(cls, self.policy)
            return view
        return cast("V", self._on_callback(view, cls))

    def _on_class(self, cls: Any) -> Any:
        if not issubclass(cls, View):
            raise GuardError(
                f"@guard needs a view, and {cls.__qualname__} is not one: derive it from "
                "rest_framework.views.APIView."
            )
        if _is_in_use(cls):
            # The class is from another package or has its own guard: do not change it.
            names = {
                "__module__": cls.__module__,
                "__qualname__": f"{cls.__qualname__}[guarded]",
                "__doc__": cls.__doc__,
            }
            cls = type(cls)(cls.__name__, (cls,), names)
        if not issubclass(cls, APIView):
            return guard_class(cls, self.policy)
        attach(cls, self.policy)
        return cls

    def _on_callback(self, callback: Any, cls: Any) -> Any:
        initkwargs = dict(getattr(callback, "initkwargs", {}))
        actions = getattr(callback, "actions", None)
        if _layers(callback) > _layers(cls.as_view(*([actions] if actions else []), **initkwargs)):
            raise GuardError(
                f"There is a decorator between @guard and {cls.__qualname__}.as_view(): guard the "
                f"class, guard(...)({cls.__qualname__}).as_view(), and decorate that."
            )
        guarded = self._on_class(cls).as_view(*([dict(actions)] if actions else []), **initkwargs)
        for name, value in vars(callback).items():
            # A decorator such as non_atomic_requests() may have set attributes on the callback.
            vars(guarded).setdefault(name, value)
        return guarded


def _is_in_use(cls: type) -> bool:
    """Whether `cls` is already in its module. While a class is decorated, it is not there yet."""
    found: Any = sys.modules.get(cls.__module__)
    for name in cls.__qualname__.split("."):
        found = getattr(found, name, None)
    return found is cls


def _layers(callback: Any) -> int:
    count = 0
    while (callback := getattr(callback, "__wrapped__", None)) is not None and count < 50:
        count += 1
    return count
