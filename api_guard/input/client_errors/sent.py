"""All values that a client sent, raw and as serializers and forms read them."""

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
    """The values of a request, with and without their names."""

    def __init__(self, request: Any, view: Any, frames: Iterable[FrameType]) -> None:
        self._named: dict[str, list[object]] = {}
        self._texts: set[str] = set()
        self._sent_blank = False
        # A decorator may have passed Django's request.
        query = getattr(request, "query_params", None)
        self._take_body(request.GET if query is None else query)
        self._take(getattr(view, "kwargs", {}).items())
        self._take((str(index), value) for index, value in enumerate(getattr(view, "args", ())))
        # Only if the view has read it: reading may fail.
        self._take_body(vars(request).get("_full_data"))
        for read in _read_in(frames):
            self._take_body(read)
        self._readings = Readings(self._texts)

    def _take_body(self, body: Any) -> None:
        if hasattr(body, "lists"):
            for name, several in body.lists():
                # A view may read the list, or one of its values.
                self._take((name, each) for each in [several, *several])
        elif isinstance(body, Mapping):
            self._take(body.items())
        else:
            self._take([("", body)])

    def _take(self, pairs: Iterable[tuple[object, object]]) -> None:
        for name, value in pairs:
            self._named.setdefault(str(name), []).append(value)
            for leaf in _leaves(value):
                self._sent_blank |= _is_blank(leaf)
                text = _text(leaf)
                # A form strips its texts, and some filters read several values from one text.
                self._texts |= {text, text.strip(), *map(str.strip, text.split(",")[:_MOST])}

    def holds(self, value: object) -> bool:
        """Whether the client sent `value`, or all its items. True, False and None do not count."""
        leaves = list(_leaves(value))
        # Empty items count only if all items are empty.
        told = [leaf for leaf in leaves if not (_is_empty(leaf) or _is_blank(leaf))] or leaves
        return bool(told) and all(map(self._holds, told))

    def _holds(self, leaf: object) -> bool:
        text = _text(leaf)
        return (bool(text) and text in self._texts) or self._readings.hold(leaf)

    def holds_as(self, names: Iterable[str], value: object) -> bool:
        """Whether the client sent `value` under one of `names`, or, except None, anywhere."""
        if any(is_equal(value, each) for name in names for each in self._named.get(name, ())):
            return True
        return value is not None and self.holds(value)

    def holds_read(self, names: Iterable[str], value: object) -> bool:
        """Whether the client sent `value`, which could not be read. An empty text counts here."""
        if self.holds_as(names, value):
            return True
        leaves = list(_leaves(value))
        return self._sent_blank and bool(leaves) and all(map(_is_blank, leaves))

    def is_named_in(self, path: str, *, told_by: int) -> bool:
        """Whether a file path was made from a text of the client of at least `told_by` letters."""
        for text in self._texts:
            name = text.replace("\\", "/").rpartition("/")[2]
            with suppress(Exception):
                beginning = get_valid_filename(name)[:told_by]
                if len(beginning) == told_by and beginning in path:
                    return True
        return False


def _read_in(frames: Iterable[FrameType]) -> Iterator[object]:
    """Yield the values that the active serializers and forms have read."""
    for frame in frames:
        owner = local(frame, "self", "serializer", "form")
        if isinstance(owner, BaseSerializer):
            yield vars(owner).get("_validated_data")
        if isinstance(owner, BaseForm):
            yield vars(owner).get("cleaned_data")


def _leaves(value: object) -> Iterator[object]:
    """Yield the items of lists and objects at every depth, and empty lists and objects.

    True, False and None are left out.
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
        elif hasattr(found, "lower_inc"):  # a range of a driver
            waiting += [found.lower, found.upper]  # type: ignore[attr-defined]
        elif found is not None and not isinstance(found, bool):
            yield found


def _is_empty(value: object) -> bool:
    return isinstance(value, (Mapping, *_SEVERAL)) and not value


def _is_blank(leaf: object) -> bool:
    return isinstance(leaf, str) and not leaf.strip()


def _text(leaf: object) -> str:
    with suppress(Exception):
        return str(leaf)
    return ""
