"""What a client sent: every value of its request, raw and as serializers and forms read it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from types import FrameType
from typing import Any

from django.db.models import Model
from django.forms import BaseForm
from django.utils.datastructures import OrderedSet
from django.utils.text import get_valid_filename
from rest_framework.serializers import BaseSerializer

from api_guard.input.client_errors.frames import local
from api_guard.input.client_errors.readings import Readings, is_equal

_MOST = 100_000
_SEVERAL = (list, tuple, set, frozenset, OrderedSet)


class Sent:
    """The values of a request, by name and by themselves."""

    def __init__(self, request: Any, view: Any, frames: Iterable[FrameType]) -> None:
        self._named: dict[str, list[object]] = {}
        self._texts: set[str] = set()
        # A decorator may have handed on Django's own request.
        query = getattr(request, "query_params", None)
        self._take((request.GET if query is None else query).lists())
        self._take(getattr(view, "kwargs", {}).items())
        self._take((str(index), value) for index, value in enumerate(getattr(view, "args", ())))
        # Not read where the view did not: reading it may fail.
        self._take_body(vars(request).get("_full_data"))
        for read in _read_in(frames):
            self._take_body(read)
        self._readings = Readings(self._texts)

    def _take_body(self, body: Any) -> None:
        if hasattr(body, "lists"):
            self._take(body.lists())
        elif isinstance(body, Mapping):
            self._take(body.items())
        else:
            self._take([("", body)])

    def _take(self, pairs: Iterable[tuple[object, object]]) -> None:
        for name, value in pairs:
            self._named.setdefault(str(name), []).append(value)
            for leaf in _leaves(value):
                text = _text(leaf)
                # A form strips what it reads, and some filters take several values in one text.
                self._texts |= {text, text.strip(), *map(str.strip, text.split(",")[:_MOST])}

    def holds(self, value: object) -> bool:
        """Whether the client sent `value`, or all in it; True, False and None say nothing."""
        leaves = list(_leaves(value))
        # What is empty says nothing either, beside what is not.
        told = [leaf for leaf in leaves if not _is_empty(leaf)] or leaves
        return bool(told) and all(map(self._holds, told))

    def _holds(self, leaf: object) -> bool:
        text = _text(leaf)
        return (bool(text) and text in self._texts) or self._readings.hold(leaf)

    def holds_as(self, names: Iterable[str], value: object) -> bool:
        """Whether the client sent `value` under one of `names`, or by itself if it is no None."""
        if any(is_equal(value, each) for name in names for each in self._named.get(name, ())):
            return True
        return value is not None and self.holds(value)

    def is_named_in(self, path: str, *, told_by: int) -> bool:
        """Whether a file's path was made of a text of at least `told_by` characters that came."""
        for text in self._texts:
            name = text.replace("\\", "/").rpartition("/")[2]
            with suppress(Exception):
                beginning = get_valid_filename(name)[:told_by]
                if len(beginning) == told_by and beginning in path:
                    return True
        return False


def _read_in(frames: Iterable[FrameType]) -> Iterator[object]:
    """Yield what the serializers and the forms at work have read."""
    for frame in frames:
        owner = local(frame, "self", "serializer", "form")
        if isinstance(owner, BaseSerializer):
            yield vars(owner).get("_validated_data")
        if isinstance(owner, BaseForm):
            yield vars(owner).get("cleaned_data")


def _leaves(value: object) -> Iterator[object]:
    """Yield what stands in lists and objects, however deep, and those in which nothing stands.

    True, False and None say nothing.
    """
    waiting, count = [value], 0
    while waiting and count < _MOST:
        count += 1
        found = waiting.pop()
        if _is_empty(found):
            yield found
        elif isinstance(found, Mapping):
            waiting += [*found.keys(), *found.values()]
        elif isinstance(found, _SEVERAL):
            waiting += found
        elif isinstance(found, Model):
            waiting.append(found.pk)
        elif found is not None and not isinstance(found, bool):
            yield found


def _is_empty(value: object) -> bool:
    return isinstance(value, (Mapping, *_SEVERAL)) and not value


def _text(leaf: object) -> str:
    with suppress(Exception):
        return str(leaf)
    return ""
