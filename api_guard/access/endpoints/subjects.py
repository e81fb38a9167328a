"""Finds the model of the objects of a view."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from typing import Any
from weakref import WeakKeyDictionary

from django.db.models import Model

from api_guard.access.endpoints.views import attribute_of, policy_of


def model_of(view_class: Any, initkwargs: Mapping[str, Any] | None = None) -> type[Model] | None:
    """Return the model of a view.

    The guard names it, or it comes from the queryset, the serializer or the view's methods.
    """
    policy = policy_of(view_class)
    if policy is not None and policy.model is not None:
        return policy.model
    said = initkwargs or {}
    queryset = said.get("queryset", attribute_of(view_class, "queryset", None))
    serializer_class = said.get(
        "serializer_class", attribute_of(view_class, "serializer_class", None)
    )
    model = getattr(queryset, "model", None) or _model_of_serializer(serializer_class)
    if model is None and view_class is not None:
        model = _model_of_methods(view_class)
    return model if isinstance(model, type) and issubclass(model, Model) else None


def serializer_class_of(view_class: Any) -> Any:
    """Return the serializer class of a view, or None if it depends on the request."""
    said = attribute_of(view_class, "serializer_class", None)
    if said is not None or not hasattr(view_class, "get_serializer_class"):
        return said
    with suppress(Exception):
        return _without_request(view_class).get_serializer_class()
    return None


def _without_request(view_class: Any) -> Any:
    """Return a view as a schema generator makes one."""
    view = view_class()
    view.request, view.args, view.kwargs, view.format_kwarg = None, (), {}, None
    view.action, view.action_map, view.swagger_fake_view = None, {}, True
    return view


def _model_of_serializer(serializer_class: Any) -> Any:
    return getattr(getattr(serializer_class, "Meta", None), "model", None)


# Cached by class, as long as the class exists: a view may be made for one request.
_MODELS: WeakKeyDictionary[type, Any] = WeakKeyDictionary()


def _model_of_methods(view_class: Any) -> Any:
    if view_class not in _MODELS:
        _MODELS[view_class] = _ask_methods(view_class)
    return _MODELS[view_class]


def _ask_methods(view_class: Any) -> Any:
    """Ask a view without a request, as a schema generator does."""
    for name in ("get_queryset", "get_serializer_class"):
        # Without a request anything may fail. Then there is no answer, and no error.
        with suppress(Exception):
            found = getattr(_without_request(view_class), name)()
            model = getattr(found, "model", None) or _model_of_serializer(found)
            if model is not None:
                return model
    return None
