"""The hooks of a view class that a guard wraps, and whether all are still wrapped."""

from __future__ import annotations

_ABSENT = object()


# A guard wraps these hooks. It is whole as long as all of them are its wrappers.
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


def is_whole(cls: type) -> bool:
    """Whether every hook of a guarded class is still a wrapper of the guard."""
    for name in HOOKS:
        # This runs with every request.
        hook = getattr(cls, name, _ABSENT)
        if hook is not _ABSENT and getattr(hook, "is_api_guard_hook", False) is not True:
            return False
    return True


def is_hook(function: object) -> bool:
    """Whether `function` is one of the guard's wrappers."""
    return getattr(function, "is_api_guard_hook", False) is True


def is_own_of(owner: type, cls: type, name: str) -> bool:
    """Whether a method of a guarded class is that of `owner`, without the guard's wrappers."""
    for each in cls.__mro__:
        found = each.__dict__.get(name)
        if found is not None and (not is_hook(found) or found.own is not None):
            return each is owner
    return False
