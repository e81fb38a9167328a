"""What a request does, and the names by which a policy refers to it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import TypeVar

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
HTTP_METHODS = ("GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE", "TRACE")
SLOTS = ("read", "write")

T = TypeVar("T")


@dataclass(frozen=True)
class Operation:
    """What a requirement applies to: an HTTP method and, on a ViewSet, the action behind it."""

    method: str
    action: str | None = None

    @property
    def slot(self) -> str:
        """`read` for GET, HEAD and OPTIONS, `write` for everything else."""
        return "read" if self.method in SAFE_METHODS else "write"

    def names(self) -> tuple[str, ...]:
        """The names of this operation in a policy, the most specific first."""
        return _names(self.method, self.action)


# Bounded, because a client may send any word as the method.
@lru_cache(maxsize=4096)
def _names(method: str, action: str | None) -> tuple[str, ...]:
    names = [method]
    if action and action not in SLOTS:
        names.insert(0, action)
    if method == "HEAD":
        # HEAD runs the GET handler, so the policy of GET applies.
        names.append("GET")
    return (*names, Operation(method, action).slot)


def first_of(mapping: Mapping[str, T], operation: Operation) -> tuple[str, T] | None:
    """Return the most specific name of `operation` in `mapping`, and its value."""
    if mapping:
        for name in operation.names():
            if name in mapping:
                return name, mapping[name]
    return None
