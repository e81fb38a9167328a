"""Knows the views that sign a user in without a signal, by returning a token."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

from django.http import HttpResponseBase

from api_guard.access.endpoints.views import view_classes_of

_VIEWS = frozenset(
    {
        "rest_framework.authtoken.views.ObtainAuthToken",
        "rest_framework_simplejwt.views.TokenObtainPairView",
        "rest_framework_simplejwt.views.TokenObtainSlidingView",
    }
)
_TOKENS = ("token", "access")


def has_handed_out_a_token(callback: Callable[..., Any], response: HttpResponseBase) -> bool:
    """Whether a token view of DRF or simplejwt, or a subclass of one, has signed a user in.

    A successful status is not enough: the view may have caught a failure.
    """
    data = getattr(response, "data", None)
    if response.status_code >= 300 or not isinstance(data, Mapping):
        return False
    is_one = any(_is_one(cls) for cls in view_classes_of(callback)[:1])
    return is_one and any(data.get(name) for name in _TOKENS)


@cache
def _is_one(view_class: type) -> bool:
    return any(f"{cls.__module__}.{cls.__qualname__}" in _VIEWS for cls in view_class.__mro__)
