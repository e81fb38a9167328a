"""What a client sent: every value of its request, raw and as serializers read it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from types import FrameType
from typing import Any

from django.db.models import Model
from rest_framework.serializers import BaseSerializer

from api_guard.blame.frames import local

_MOST = 100_000


class Sent:
    """The values of a request, by name and by themselves."""

    def __init__(self, request: Any, view: Any, frames: Iterable[FrameType]) -> None:
        self._named: dict[str, list[object]] = {}
        self._texts: set[str] = set()
        self._take(request.query_params.lists())
        self._take(view.kwargs.items())
        self._take((str(index), value) for index, value in enumerate(view.args))
        # Not read where the view did not: reading it may fail.
        body = vars(request).get("_full_data")
        self._take_body(body)
        for serializer in _serializers(frames):
            self._take_body(vars(serializer).get("_validated_data"))

    def _take_body(self, body: object) -> None:
        if hasattr(body, "lists"):
            self._take(body.lists())
        elif isinstance(body, Mapping):
            self._take(body.items())
        else:
            self._take([("", body)])

    def _take(self, pairs: Iterable[tuple[str, object]]) -> None:
        for name, value in pairs:
            self._named.setdefault(str(name), []).append(value)
            self._texts.update(map(str, _leaves(value)))

    def holds(self, value: object) -> bool:
        """Whether the client sent `value`, or all in it; True, False and None say nothing."""
        leaves = list(_leaves(value))
        return bool(leaves) and all(str(leaf) in self._texts for leaf in leaves)

    def holds_as(self, names: Iterable[str], value: object) -> bool:
        """Whether the client sent `value` under one of `names`, or by itself if it is no None."""
        if any(value == each for name in names for each in self._named.get(name, ())):
            return True
        return value is not None and self.holds(value)


def _serializers(frames: Iterable[FrameType]) -> Iterator[Any]:
    for frame in frames:
        owner = local(frame, "self", "serializer")
        if isinstance(owner, BaseSerializer):
            yield owner


def _leaves(value: object) -> Iterator[object]:
    """Yield what stands in lists and objects, however deep; True, False and None say nothing."""
    waiting, count = [value], 0
    while waiting and count < _MOST:
        count += 1
        found = waiting.pop()
        if isinstance(found, Mapping):
            waiting += [*found.keys(), *found.values()]
        elif isinstance(found, (list, tuple, set, frozenset)):
            waiting += found
        elif isinstance(found, Model):
            waiting.append(found.pk)
        elif found is not None and not isinstance(found, bool):
            yield found
