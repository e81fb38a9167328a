"""Walks the URLconf into Endpoints; the one answer to "what is reachable, and how?"."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from enum import Enum
from functools import cache
from typing import Any

from django.conf import settings
from django.core.signals import setting_changed
from django.db.models import Model
from django.urls import URLResolver, get_resolver, get_urlconf
from rest_framework.permissions import AND, OperandHolder, SingleOperandHolder

from api_guard import conf
from api_guard.core.policy import Demand, Operation, Policy

POLICY_ATTRIBUTE = "_api_guard_policy"


class Status(Enum):
    """How an endpoint stands."""

    GUARDED = "guarded"
    PUBLIC = "public"
    EXEMPT = "exempt"
    UNGUARDED = "unguarded"


@dataclass(frozen=True)
class Endpoint:
    """One route × method × action of the URLconf.

    `policy` and `demand` are None where the view has no guard, or its guard is silent here.
    """

    route: str
    operation: Operation
    view: str
    status: Status
    policy: Policy | None = None
    demand: Demand | None = None


@dataclass(frozen=True)
class Route:
    """A route that ends in a view of DRF."""

    path: str
    callback: Callable[..., Any]
    view_class: type


def policy_of(view_class: type) -> Policy | None:
    """Return the policy that `@guard` put on a view class or on a class it inherits from."""
    policy = getattr(view_class, POLICY_ATTRIBUTE, None)
    return policy if isinstance(policy, Policy) else None


def dotted_path(cls: type) -> str:
    """Return the path under which a class is listed, exempted and counted."""
    name = cls.__name__ if cls.__qualname__ == "WrappedAPIView" else cls.__qualname__
    return f"{cls.__module__}.{name}"


def is_exempt(view_class: type) -> bool:
    """Whether `API_GUARD["EXEMPT"]` names the view, or the module it lives in."""
    exempt = conf.exempt()
    return dotted_path(view_class) in exempt or view_class.__module__ in exempt


def declares_scopes(permissions: Iterable[Any]) -> bool:
    """Whether a list of permission classes demands scopes that no other permission can waive."""
    return any(_demands(permission) for permission in permissions)


def _demands(permission: Any) -> bool:
    operator: object = getattr(permission, "operator_class", None)
    if isinstance(permission, OperandHolder) and operator is AND:
        return _demands(permission.op1_class) or _demands(permission.op2_class)
    if isinstance(permission, (OperandHolder, SingleOperandHolder)):
        return False
    return getattr(permission, "declares_scopes", False) is True


def routes(urlconf: str | None = None) -> tuple[Route, ...]:
    """Return every route to a DRF view, in the order of the URLconf."""
    return _routes(urlconf or get_urlconf() or getattr(settings, "ROOT_URLCONF", None))


@cache
def _routes(urlconf: str | None) -> tuple[Route, ...]:
    return tuple(_walk(get_resolver(urlconf), "/")) if urlconf else ()


def _forget(*, setting: str, **_: object) -> None:
    if setting == "ROOT_URLCONF":
        _routes.cache_clear()


setting_changed.connect(_forget)


def _walk(resolver: URLResolver, prefix: str) -> Iterator[Route]:
    for pattern in resolver.url_patterns:
        path = prefix + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            yield from _walk(pattern, path)
        elif (view_class := view_class_of(pattern.callback)) is not None:
            yield Route(path, pattern.callback, view_class)


def view_class_of(callback: Callable[..., Any]) -> type | None:
    """Return the class of a DRF view behind a URL's callback, decorated or not."""
    seen: Any = callback
    # Bounded: a decorator may point back at itself.
    for _ in range(50):
        cls = getattr(seen, "cls", None)
        if isinstance(cls, type):
            return cls
        seen = getattr(seen, "__wrapped__", None) or getattr(seen, "func", None)
        if seen is None:
            return None
    return None


def endpoints(urlconf: str | None = None) -> Iterator[Endpoint]:
    """Yield every endpoint of the URLconf."""
    for route in routes(urlconf):
        for operation in operations(route):
            yield _endpoint(route, operation)


def operations(route: Route) -> Iterator[Operation]:
    """Yield what a route answers: its methods and the actions behind them."""
    actions = getattr(route.callback, "actions", None)
    if actions:
        yield from (Operation(method.upper(), action) for method, action in actions.items())
        return
    names = _initkwarg(route, "http_method_names")
    for name in names:
        # OPTIONS is DRF's own, and answers what `read` answers.
        if name != "options" and hasattr(route.view_class, name):
            yield Operation(name.upper())


def _initkwarg(route: Route, name: str) -> Any:
    initkwargs = getattr(route.callback, "initkwargs", {})
    return initkwargs.get(name, getattr(route.view_class, name, ()))


def _endpoint(route: Route, operation: Operation) -> Endpoint:
    policy, view = policy_of(route.view_class), dotted_path(route.view_class)
    if policy is None:
        declared = declares_scopes(_initkwarg(route, "permission_classes"))
        status = Status.GUARDED if declared else Status.UNGUARDED
        if is_exempt(route.view_class):
            status = Status.EXEMPT
        return Endpoint(route.path, operation, view, status)
    demand = policy.demand_for(operation)
    is_public = demand is not None and demand.is_public
    status = Status.PUBLIC if is_public else Status.GUARDED
    return Endpoint(route.path, operation, view, status, policy, demand)


def policies_over(model: type[Model], view_class: type) -> tuple[Policy, ...]:
    """Return the policies with an object rule for `model`: of every reachable view, and this one.

    The view at work counts whether it is routed or not.
    """
    concrete = model._meta.concrete_model
    classes = dict.fromkeys([view_class, *(route.view_class for route in routes())])
    return tuple(
        policy
        for cls in classes
        if (policy := policy_of(cls)) is not None
        and policy.has_object_rule
        and (own := model_of(cls)) is not None
        and own._meta.concrete_model is concrete
    )


def model_of(view_class: type) -> type[Model] | None:
    """Return the model that a view class names, by its queryset or its serializer."""
    queryset = getattr(view_class, "queryset", None)
    model = getattr(queryset, "model", None)
    if model is None:
        serializer_class = getattr(view_class, "serializer_class", None)
        model = getattr(getattr(serializer_class, "Meta", None), "model", None)
    return model if isinstance(model, type) and issubclass(model, Model) else None
