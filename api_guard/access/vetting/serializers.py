"""Makes DRF's serializers report what they read and show.

DRF's own classes are wrapped once, when the app is ready. So the object rule also applies to a
serializer that a handler makes itself, without `get_serializer()`.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from rest_framework.relations import RelatedField
from rest_framework.serializers import BaseSerializer, ListSerializer

from api_guard.access.vetting.current import current
from api_guard.access.vetting.record import Vetting
from api_guard.access.vetting.related import narrow_choices
from api_guard.access.vetting.shown import vet_shown
from api_guard.access.vetting.writing import hold

_IS_OURS = "is_api_guard_wrapper"
_is_showing: ContextVar[bool] = ContextVar("api_guard_is_showing", default=False)


def wrap_serializers() -> None:
    """Wrap DRF's classes; a second call changes nothing."""
    drf: Any = BaseSerializer
    for cls in (BaseSerializer, ListSerializer):
        _replace(cls, "is_valid", _is_valid)
    _replace(RelatedField, "bind", _bind)
    if not hasattr(drf.data.fget, _IS_OURS):
        drf.data = property(_ours(_data, drf.data.fget))


def _replace(cls: Any, name: str, wrapper: Callable[..., Any]) -> None:
    own = getattr(cls, name)
    if not hasattr(own, _IS_OURS):
        setattr(cls, name, _ours(wrapper, own))


def _ours(wrapper: Callable[..., Any], own: Callable[..., Any]) -> Callable[..., Any]:
    def ours(self: Any, /, *args: Any, **kwargs: Any) -> Any:
        return wrapper(own, self, *args, **kwargs)

    functools.update_wrapper(ours, own)
    setattr(ours, _IS_OURS, True)
    return ours


def _is_valid(own: Any, serializer: Any, /, *args: Any, **kwargs: Any) -> Any:
    vetting = current()
    if vetting is not None:
        hold(vetting, serializer)
    return own(serializer, *args, **kwargs)


def _data(own: Any, serializer: Any, /) -> Any:
    vetting = to_show()
    if vetting is None:
        return own(serializer)
    vet_shown(vetting, serializer, is_read=True)
    with showing():
        return own(serializer)


def to_show() -> Vetting | None:
    """Return the record that applies to a serializer that shows something, or None.

    A serializer decides itself what it shows through a nested one.
    """
    return None if _is_showing.get() else current()


@contextmanager
def showing() -> Iterator[None]:
    """Mark that a serializer shows vetted objects, separately for each task of an event loop."""
    token = _is_showing.set(True)
    try:
        yield
    finally:
        _is_showing.reset(token)


def _bind(own: Any, field: Any, /, field_name: str, parent: Any) -> None:
    own(field, field_name, parent)
    whole = field.get_queryset
    if not hasattr(whole, _IS_OURS):

        def get_queryset() -> Any:
            return narrow_choices(field, whole())

        setattr(get_queryset, _IS_OURS, True)
        field.get_queryset = get_queryset
