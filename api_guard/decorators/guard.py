"""`guard(...)`: reads a policy and puts it on a view."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar, cast

from django.db.models import Model
from rest_framework.views import APIView

from api_guard.access.endpoints import POLICY_ATTRIBUTE, view_class_of
from api_guard.core.limits import LimitsError
from api_guard.core.objects import AnyObject
from api_guard.core.policy import (
    HTTP_METHODS,
    SLOTS,
    Policy,
    parse_policy,
)
from api_guard.core.rates import RateError
from api_guard.core.requirements import PolicyError
from api_guard.core.scopes import did_you_mean
from api_guard.decorators.hooks import install
from api_guard.exceptions import GuardError

V = TypeVar("V", bound=Callable[..., Any])
Narrowing = Callable[..., object] | AnyObject


def guard(
    *,
    read: object = None,
    write: object = None,
    actions: Mapping[str, object] | None = None,
    throttle: object = None,
    owner: str | Mapping[str, str] | None = None,
    objects: Narrowing | Mapping[str, Narrowing] | None = None,
    limits: Mapping[str, int | str] | None = None,
    keep: str | Narrowing | Mapping[str, str | Narrowing] | None = None,
    model: type[Model] | None = None,
    hold: str | None = None,
    related: Mapping[str, AnyObject] | None = None,
) -> Guard:
    """Close a DRF view to every caller that does not meet a requirement.

    `read` is for GET, HEAD and OPTIONS, `write` for every other method; a name in `actions` (a
    ViewSet's action, or an HTTP method) takes precedence. A requirement is a scope, `any_of(...)`,
    PUBLIC, SIGNED_IN, STAFF, or a tuple of these, all of which are needed. An operation without a
    requirement is refused.

    `throttle` is a rate such as "20/m", or several. `owner` is the lookup that leads from an object
    to its user; `objects` a function from a Caller, or from a Caller and the request, to a Q; or
    ANY_OBJECT: both say which objects the view finds. `keep`, a lookup, a function or ANY_OBJECT,
    says which objects a write may leave, if they differ. These four also take a mapping of slots
    and actions. `limits` are the limits of a request that differ from
    `API_GUARD["LIMITS"]`: {"bytes": 5_000_000, "top": "list"}.

    `model` is the model of the object rules, for a view without a queryset. `hold="everywhere"`
    applies them in every guarded view. `related={"reviewer": ANY_OBJECT}` lets a field name
    objects that the rules of other views hide.

    The result is a value: put it above a class, above `@api_view`, or call it with a view.
    Raises GuardError, at import, for an invalid policy.
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
        """Put the policy on `view` and return it; for a class already in use, return a subclass."""
        if isinstance(view, type):
            return cast("V", self._on_class(view))
        cls = view_class_of(view)
        if cls is None or not issubclass(cls, APIView):
            raise GuardError(_misplaced(view))
        if cls.__qualname__ == "WrappedAPIView":
            # @api_view made this class only for this function.
            self._attach(cls)
            return view
        return cast("V", self._on_callback(view, cls))

    def _on_class(self, cls: Any) -> Any:
        if not issubclass(cls, APIView):
            raise GuardError(
                f"@guard needs a view of Django REST framework, and {cls.__qualname__} is not one: "
                "derive it from rest_framework.views.APIView."
            )
        if _is_in_use(cls):
            # A class of another package, or one with its own guard: do not change it.
            names = {
                "__module__": cls.__module__,
                "__qualname__": f"{cls.__qualname__}[guarded]",
                "__doc__": cls.__doc__,
            }
            cls = type(cls)(cls.__name__, (cls,), names)
        self._attach(cls)
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
            # Attributes that a decorator set on the callback, such as non_atomic_requests().
            vars(guarded).setdefault(name, value)
        return guarded

    def _attach(self, cls: type) -> None:
        if POLICY_ATTRIBUTE in cls.__dict__:
            raise GuardError(
                f"{cls.__qualname__} already has a guard, and a second one would replace it: write "
                "one @guard with both policies."
            )
        _refuse_unknown_names(cls, self.policy)
        setattr(cls, POLICY_ATTRIBUTE, self.policy)
        install(cls)


def _is_in_use(cls: type) -> bool:
    """Whether its module already has `cls` by its name; not yet while it is decorated."""
    found: Any = sys.modules.get(cls.__module__)
    for name in cls.__qualname__.split("."):
        found = getattr(found, name, None)
    return found is cls


def _layers(callback: Any) -> int:
    count = 0
    while (callback := getattr(callback, "__wrapped__", None)) is not None and count < 50:
        count += 1
    return count


def _misplaced(view: Any) -> str:
    name = getattr(view, "__name__", repr(view))
    if hasattr(view, "mapping"):
        return (
            f"@guard goes above the class, not on an @action: write "
            f'@guard(..., actions={{"{name}": "some:scope"}}) above the ViewSet of {name}().'
        )
    owner = getattr(view, "__qualname__", "").rpartition(".")[0]
    if owner and not owner.endswith("<locals>"):
        key = name.upper() if name.upper() in HTTP_METHODS else name
        return (
            f"@guard goes above the class, not on a method: write "
            f'@guard(..., actions={{"{key}": "some:scope"}}) above class {owner}.'
        )
    if inspect.isfunction(view):
        return (
            "@guard is the outermost line. The right order is:\n\n"
            '    @guard(read="some:scope")\n    @api_view(["GET"])\n'
            f"    def {name}(request): ...\n\n"
            "Only a view of Django REST framework can be guarded."
        )
    return f"@guard needs a view of Django REST framework, and {name} is not one."


def _refuse_unknown_names(cls: type, policy: Policy) -> None:
    offered = {name for name in dir(cls) if not name.startswith("_") and name not in SLOTS}
    methods = {name.upper() for name in getattr(cls, "http_method_names", ())}
    for mapping in (policy.requirements, policy.rates, policy.owner, policy.objects, policy.keep):
        for name in mapping:
            if name in ("", *SLOTS) or name in methods:
                continue
            is_method_in_small = name.upper() in methods and not hasattr(cls, "get_extra_actions")
            if name in offered and not is_method_in_small:
                continue
            own = {key for key in offered if not hasattr(APIView, key)}
            hint = did_you_mean(name.upper() if is_method_in_small else name, methods | own)
            raise GuardError(
                f"@guard: {cls.__qualname__} does not have an action or a method {name!r}.{hint}"
            )
