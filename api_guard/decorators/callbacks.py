"""Guards plain Django views: functions, and the callbacks of classes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from api_guard.core.objects import ANY_OBJECT
from api_guard.core.operations import HTTP_METHODS, Operation
from api_guard.core.policy import Policy
from api_guard.decorators.attaching import attach
from api_guard.decorators.hooks import next_class
from api_guard.decorators.plain import plain_of, view_class_for
from api_guard.exceptions import GuardError

# The attribute of a plain class that has a guard.
_GUARDED = "_api_guard_is_guarded"
# A plain view reads its body itself. Only what the header fields say of it can be limited.
_LIMITS = frozenset({"bytes", "upload", "query", "parameters"})


def guarded_function(plain: Callable[..., Any], policy: Policy) -> Any:
    """Return a callback that runs a plain view under a policy. Raises GuardError."""
    inner = plain_of(plain)
    if inner is not plain:
        raise GuardError(f"{_name_of(inner)} already has a guard: write one @guard.")
    # The callback of a class has the class's name and methods.
    return _guarded(plain, getattr(plain, "view_class", plain), policy)


def guard_class(cls: Any, policy: Policy) -> Any:
    """Let every callback that a plain class makes pass the guard. Raises GuardError."""
    if _GUARDED in cls.__dict__:
        raise GuardError(f"{cls.__qualname__} already has a guard: write one @guard.")
    _refuse_object_rules(cls, policy)
    own = cls.__dict__.get("as_view")

    def as_view(view_class: Any, /, **initkwargs: Any) -> Any:
        if own is None:
            make = next_class(cls, "as_view", as_view, view_class).as_view
        else:
            make = own.__get__(None, view_class)
        # The guard of a base class is replaced, as in a class of DRF.
        return _guarded(plain_of(make(**initkwargs)), view_class, policy)

    cls.as_view = classmethod(as_view)
    setattr(cls, _GUARDED, True)
    return cls


def _guarded(plain: Any, named: Any, policy: Policy) -> Any:
    _refuse_object_rules(named, policy)
    cls = view_class_for(plain, named, tuple(_methods(named, policy)))
    attach(cls, policy)
    callback: Any = cls.as_view()
    for name, value in getattr(plain, "__dict__", {}).items():
        # A decorator such as non_atomic_requests() may have set attributes on it.
        if name not in ("__wrapped__", "view_class", "view_initkwargs"):
            vars(callback).setdefault(name, value)
    return callback


def _methods(named: Any, policy: Policy) -> list[str]:
    """Return the methods that the view answers and the policy has a requirement for."""
    offered = HTTP_METHODS
    if isinstance(named, type):
        names: Any = getattr(named, "http_method_names", ())
        offered = tuple(name.upper() for name in names if hasattr(named, name))
    return [each for each in offered if policy.requirement_for(Operation(each)) is not None]


def _refuse_object_rules(view: Any, policy: Policy) -> None:
    found = [name for name in ("owner", "keep", "related") if getattr(policy, name)]
    # ANY_OBJECT asks for nothing: the view checks its objects itself, or there is nothing to check.
    found += ["objects"] if any(rule is not ANY_OBJECT for rule in policy.objects.values()) else []
    if policy.model is not None:
        found.append("model")
    found += [f"limits[{name!r}]" for name in policy.limits if name not in _LIMITS]
    if found:
        raise GuardError(
            f"@guard: {_name_of(view)} is a plain Django view, for which {found[0]} is not "
            "possible: only a view of Django REST framework has a queryset, a serializer and a "
            "parser. Derive it from APIView, or check this in the view."
        )


def _name_of(view: Any) -> str:
    return str(getattr(view, "__qualname__", type(view).__qualname__))
