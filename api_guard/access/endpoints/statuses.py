"""Tells whether the view behind a callback is guarded, exempt or neither."""

from __future__ import annotations

from enum import Enum
from typing import Any

from django.utils.translation import get_language_from_path

from api_guard import conf
from api_guard.access.endpoints.composed import declares_scopes
from api_guard.access.endpoints.hooks import is_whole
from api_guard.access.endpoints.listed import listed_of
from api_guard.access.endpoints.search import Found, hidden_views_of, is_view, views_of
from api_guard.access.endpoints.views import is_exempt, plain_view, policy_of


class Status(Enum):
    """The status of an endpoint."""

    GUARDED = "guarded"
    PUBLIC = "public"
    EXEMPT = "exempt"
    UNGUARDED = "unguarded"
    UNKNOWN = "unknown"


_WEAKNESS = (Status.GUARDED, Status.EXEMPT, Status.UNKNOWN, Status.UNGUARDED)


def status_of(callback: Any, path: str) -> Status | None:
    """Return the status of the view behind a callback, or None if the guard ignores it.

    `path` is the path of the request or of the route: below `API_GUARD["PREFIXES"]` every view
    counts. A view that the callback only contains counts if it is undeclared, because it may be
    called.
    """
    weakest = _weakest(callback)
    if weakest is not None:
        return weakest[0]
    return gate_status_of(callback, path)


def listed_class_of(callback: Any) -> type | None:
    """Return the class that `status_of` judges; None for a plain Django view."""
    weakest = _weakest(callback)
    return None if weakest is None else weakest[1].view_class


def _weakest(callback: Any) -> tuple[Status, Found] | None:
    """Return the least declared DRF view, with its status."""
    views = [(_status_of_view(found), found) for found in views_of(callback)]
    # Code that only mentions a declared view is not an endpoint.
    hidden = ((_status_of_view(found), found) for found in hidden_views_of(callback))
    views += [each for each in hidden if each[0] in (Status.UNKNOWN, Status.UNGUARDED)]
    if not views or _is_exempt_by_name(callback):
        return (Status.EXEMPT, views[0][1]) if views else None
    return max(views, key=lambda each: _WEAKNESS.index(each[0]))


def gate_status_of(callback: Any, path: str) -> Status | None:
    """Return the status of a callback itself, without hidden views."""
    views = views_of(callback)
    if views and _is_exempt_by_name(callback):
        return Status.EXEMPT
    if views:
        # If there are several, for example in a function that chooses one, the weakest counts.
        return max(map(_status_of_view, views), key=_WEAKNESS.index)
    if not _is_below_prefixes(path):
        return None
    return Status.EXEMPT if _is_exempt_by_name(callback) else Status.UNGUARDED


def is_exempt_callback(callback: Any) -> bool:
    """Whether a callback is exempt by its own name, or by the names of all its views."""
    views = views_of(callback)
    if _is_exempt_by_name(callback):
        return True
    return bool(views) and all(_status_of_view(found) is Status.EXEMPT for found in views)


def _is_exempt_by_name(callback: Any) -> bool:
    # A DRF view has the name of its class.
    return not is_view(callback) and is_exempt(plain_view(callback))


def _is_below_prefixes(path: str) -> bool:
    prefixes = conf.prefixes()
    if not prefixes or path.startswith(prefixes):
        return bool(prefixes)
    # A prefix applies to every language of i18n_patterns().
    language = get_language_from_path(path)
    return language is not None and path[1 + len(language) :].startswith(prefixes)


def _status_of_view(found: Found) -> Status:
    cls = found.view_class
    if policy_of(cls) is not None:
        return Status.GUARDED if is_whole(cls) else Status.UNKNOWN
    if declares_scopes(listed_of(found.callback, cls)):
        return Status.GUARDED if _asks_permissions(cls) else Status.UNKNOWN
    return Status.EXEMPT if is_exempt(cls) else Status.UNGUARDED


def _asks_permissions(cls: Any) -> bool:
    """Whether no method that leads to `permission_classes` is overridden."""
    # Compare the class and not the function's module: tools such as Sentry replace functions of
    # DRF's classes.
    names = ("dispatch", "initial", "check_permissions", "get_permissions")
    owners = (next(owner for owner in cls.__mro__ if name in vars(owner)) for name in names)
    return all(owner.__module__.partition(".")[0] in ("rest_framework", "adrf") for owner in owners)
