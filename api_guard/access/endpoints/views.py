"""What a URL's callback is: a view of DRF or not, guarded or not, whole or not."""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Iterator
from enum import Enum
from functools import cache
from typing import Any

from django.utils.module_loading import import_string
from django.utils.translation import get_language_from_path
from rest_framework.permissions import AND, OperandHolder

from api_guard import conf
from api_guard.access.endpoints.search import Found, hidden_views_of, is_view, views_of
from api_guard.core.policy import Policy

POLICY_ATTRIBUTE = "_api_guard_policy"

_ABSENT = object()

# What a guard wraps. The guard is whole while all of these are its own.
HOOKS = (
    "initialize_request",
    "initial",
    "perform_authentication",
    "get_permissions",
    "check_permissions",
    "check_object_permissions",
    "permission_denied",
    "get_queryset",
    "filter_queryset",
    "afilter_queryset",
    "get_object",
    "aget_object",
    "get_serializer",
    "finalize_response",
)


class Status(Enum):
    """How an endpoint stands."""

    GUARDED = "guarded"
    PUBLIC = "public"
    EXEMPT = "exempt"
    UNGUARDED = "unguarded"
    UNKNOWN = "unknown"


def policy_of(view_class: type | None) -> Policy | None:
    """Return the policy that `@guard` put on a view class or on a class it inherits from."""
    policy = getattr(view_class, POLICY_ATTRIBUTE, None)
    return policy if isinstance(policy, Policy) else None


def dotted_path(view: Any) -> str:
    """Return the path under which a view is listed, exempted and counted."""
    name = view.__name__ if view.__qualname__ == "WrappedAPIView" else view.__qualname__
    return f"{view.__module__}.{name}"


def is_exempt(view: Any) -> bool:
    """Whether `API_GUARD["EXEMPT"]` names a view, or the module it lives in."""
    return next(exemptions_of(view), None) is not None


def exemptions_of(view: Any) -> Iterator[str]:
    """Yield the entries of `API_GUARD["EXEMPT"]` that name a view, or the module it lives in."""
    names = (dotted_path(view), view.__module__)
    yield from (path for path in conf.exempt() if path in names or _named(path) is view)


@cache
def _named(path: str) -> Any:
    """Return the view that a dotted path leads to; a view class where it leads to its callback."""
    try:
        found = import_string(path)
    except ImportError:
        return None
    return view_class_of(found) or found


def declares_scopes(permissions: Iterable[Any]) -> bool:
    """Whether a list of permission classes requires scopes that no other permission can waive."""
    return any(_requirements(permission) for permission in permissions)


def _requirements(permission: Any) -> bool:
    if is_and(permission):
        return any(_requirements(side) for side in sides_of(permission))
    return getattr(permission, "declares_scopes", False) is True


def is_and(permission: Any) -> bool:
    """Whether an entry of `permission_classes` is an `A & B`."""
    operator: object = getattr(permission, "operator_class", None)
    is_operator = isinstance(operator, type) and issubclass(operator, AND)  # adrf derives its own
    return isinstance(permission, OperandHolder) and is_operator


def sides_of(permission: Any) -> tuple[Any, ...]:
    """Return what `A & B`, `A | B` or `~A` is made of; nothing for a single permission."""
    sides = (getattr(permission, name, None) for name in ("op1_class", "op2_class"))
    return tuple(side for side in sides if side is not None)


def view_class_of(callback: Any) -> type | None:
    """Return the class of a DRF view behind a URL's callback, however it is decorated."""
    return next(iter(view_classes_of(callback)), None)


def view_classes_of(callback: Any) -> tuple[type, ...]:
    """Return the classes of all DRF views that a callback leads to, the nearest first."""
    return tuple(dict.fromkeys(found.view_class for found in views_of(callback)))


def status_of(callback: Any, path: str) -> Status | None:
    """Return how the view behind a callback stands; None where it is no concern of a guard.

    `path` is the request's path, or the route's: below `API_GUARD["PREFIXES"]` every view is.
    A view that the callback only holds counts where nobody declared it, for it may be called.
    """
    weakest = _weakest(callback)
    if weakest is not None:
        return weakest[0]
    return gate_status_of(callback, path)


def listed_class_of(callback: Any) -> type | None:
    """Return the class for which `status_of` answers; None for a plain Django view."""
    weakest = _weakest(callback)
    return None if weakest is None else weakest[1].view_class


def _weakest(callback: Any) -> tuple[Status, Found] | None:
    """Return the DRF view that is declared least, with its status."""
    views = [(_status_of_view(found), found) for found in views_of(callback)]
    # A mere mention of a view that is declared makes no endpoint of what mentions it.
    hidden = ((_status_of_view(found), found) for found in hidden_views_of(callback))
    views += [each for each in hidden if each[0] in (Status.UNKNOWN, Status.UNGUARDED)]
    if not views or _is_exempt_by_name(callback):
        return (Status.EXEMPT, views[0][1]) if views else None
    return max(views, key=lambda each: _WEAKNESS.index(each[0]))


def gate_status_of(callback: Any, path: str) -> Status | None:
    """Return how a callback stands by itself, whatever it may hold."""
    views = views_of(callback)
    if views and _is_exempt_by_name(callback):
        return Status.EXEMPT
    if views:
        # Of several, as behind a function that chooses one, the weakest counts.
        return max(map(_status_of_view, views), key=_WEAKNESS.index)
    if not _is_below_prefixes(path):
        return None
    return Status.EXEMPT if _is_exempt_by_name(callback) else Status.UNGUARDED


def is_exempt_callback(callback: Any) -> bool:
    """Whether a callback is exempt by its own name, or as each of the views that it is."""
    views = views_of(callback)
    if _is_exempt_by_name(callback):
        return True
    return bool(views) and all(_status_of_view(found) is Status.EXEMPT for found in views)


def _is_exempt_by_name(callback: Any) -> bool:
    # A view of DRF goes by the name of its class.
    return not is_view(callback) and is_exempt(plain_view(callback))


def _is_below_prefixes(path: str) -> bool:
    prefixes = conf.prefixes()
    if not prefixes or path.startswith(prefixes):
        return bool(prefixes)
    # A prefix holds in every language of i18n_patterns().
    language = get_language_from_path(path)
    return language is not None and path[1 + len(language) :].startswith(prefixes)


_WEAKNESS = (Status.GUARDED, Status.EXEMPT, Status.UNKNOWN, Status.UNGUARDED)


def _status_of_view(found: Found) -> Status:
    cls = found.view_class
    if policy_of(cls) is not None:
        return Status.GUARDED if is_whole(cls) else Status.UNKNOWN
    if declares_scopes(initkwarg(found.callback, cls)):
        return Status.GUARDED if _asks_permissions(cls) else Status.UNKNOWN
    return Status.EXEMPT if is_exempt(cls) else Status.UNGUARDED


def is_whole(cls: type) -> bool:
    """Whether every hook of a guarded class still is one of the guard's wrappers."""
    for name in HOOKS:
        # Each request comes here.
        hook = getattr(cls, name, _ABSENT)
        if hook is not _ABSENT and getattr(hook, "is_api_guard_hook", False) is not True:
            return False
    return True


def is_hook(function: object) -> bool:
    """Whether `function` is one of the guard's wrappers."""
    return getattr(function, "is_api_guard_hook", False) is True


def is_own_of(owner: type, cls: type, name: str) -> bool:
    """Whether a method of a guarded class is that of `owner`, the guard's wrappers aside."""
    for each in cls.__mro__:
        found = each.__dict__.get(name)
        if found is not None and (not is_hook(found) or found.own is not None):
            return each is owner
    return False


def _asks_permissions(cls: Any) -> bool:
    """Whether nothing of what leads to `permission_classes` is overridden."""
    # By the class that has it, and not by the function's module: tools such as Sentry put their own
    # function into DRF's class, around DRF's.
    names = ("dispatch", "initial", "check_permissions", "get_permissions")
    owners = (next(owner for owner in cls.__mro__ if name in vars(owner)) for name in names)
    return all(owner.__module__.partition(".")[0] in ("rest_framework", "adrf") for owner in owners)


def plain_view(callback: Any) -> Any:
    """Return the function or the class of a view that is none of DRF's."""
    # A class is named by the callback itself: what its dispatch() is wrapped in lies deeper.
    view: Any = inspect.unwrap(callback, stop=lambda found: hasattr(found, "view_class"))
    view = getattr(view, "view_class", getattr(view, "func", view))
    return view if hasattr(view, "__qualname__") else type(view)


def initkwarg(callback: Any, cls: type, name: str = "permission_classes") -> Any:
    """Return an attribute of a view, as `as_view(...)` or its class has it."""
    initkwargs = getattr(callback, "initkwargs", {})
    return initkwargs.get(name, getattr(cls, name, ()))
