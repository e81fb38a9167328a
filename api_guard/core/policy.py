"""What a view demands: its policy, and the demand for each operation."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import Enum
from functools import cached_property
from types import MappingProxyType
from typing import TypeVar
from zlib import crc32

from api_guard.core.caller import Caller
from api_guard.core.demands import Demand, PolicyError
from api_guard.core.limits import parse_limits
from api_guard.core.rates import Rate, parse_rates

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
HTTP_METHODS = ("GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE", "TRACE")
SLOTS = ("read", "write")

T = TypeVar("T")


class AnyObject(Enum):
    """The one way to say that a view's objects are everybody's."""

    ANY_OBJECT = "any object"

    def __repr__(self) -> str:
        return self.name


ANY_OBJECT = AnyObject.ANY_OBJECT


@dataclass(frozen=True)
class Operation:
    """What a demand applies to: an HTTP method and, on a ViewSet, the action behind it."""

    method: str
    action: str | None = None

    @property
    def slot(self) -> str:
        """`read` for GET, HEAD and OPTIONS, `write` for everything else."""
        return "read" if self.method in SAFE_METHODS else "write"

    def names(self) -> Iterator[str]:
        """The names that answer for it, the most particular first."""
        if self.action and self.action not in SLOTS:
            yield self.action
        yield self.method
        if self.method == "HEAD":
            # HEAD runs the GET handler: what was said of GET holds for it.
            yield "GET"
        yield self.slot


@dataclass(frozen=True)
class ObjectRule:
    """Which objects one operation may touch.

    `owner` is a lookup that leads to the user; `narrow` a function from a Caller to a Q, or
    ANY_OBJECT. Where both are there both apply; where neither is, no object may be touched.
    """

    owner: str | None = None
    narrow: Callable[[Caller], object] | AnyObject | None = None

    @property
    def is_any(self) -> bool:
        """Whether it leaves every object to everybody that is let in."""
        return self.owner is None and self.narrow is ANY_OBJECT

    def __str__(self) -> str:
        parts = [f"owner={self.owner}"] if self.owner else []
        if isinstance(self.narrow, AnyObject):
            parts += [] if parts else ["any"]
        elif self.narrow is not None:
            parts.append(f"objects={getattr(self.narrow, '__name__', 'function')}")
        return ", ".join(parts) or "none"


def first_of(mapping: Mapping[str, T], operation: Operation) -> tuple[str, T] | None:
    """Return the most particular name of `operation` in `mapping`, and what stands there."""
    return next(((name, mapping[name]) for name in operation.names() if name in mapping), None)


@dataclass(frozen=True)
class Policy:
    """All the demands, rates and the object rules of one view.

    Every mapping goes by the names of `Operation.names`; `""` stands for all that is not named.
    """

    demands: Mapping[str, Demand] = field(default_factory=dict)
    rates: Mapping[str, tuple[Rate, ...]] = field(default_factory=dict)
    owner: Mapping[str, str] = field(default_factory=dict)
    objects: Mapping[str, Callable[[Caller], object] | AnyObject] = field(default_factory=dict)
    limits: Mapping[str, int | str] = field(default_factory=dict)

    @cached_property
    def fingerprint(self) -> str:
        """A few letters that tell it from another policy, the same in every process."""
        said = [f"{name}={demand}" for name, demand in sorted(self.demands.items())]
        said += [
            f"{name}={' '.join(map(str, rates))}" for name, rates in sorted(self.rates.items())
        ]
        return f"{crc32('&'.join(said).encode()):08x}"

    def demand_for(self, operation: Operation) -> Demand | None:
        """Return the demand for `operation`, None where the policy is silent."""
        found = first_of(self.demands, operation)
        return found[1] if found else None

    def rates_for(self, operation: Operation) -> tuple[str, tuple[Rate, ...]]:
        """Return the rates for `operation` and the name under which they are counted."""
        return first_of(self.rates, operation) or ("", self.rates.get("", ()))

    @property
    def has_object_rule(self) -> bool:
        """Whether anything was said of objects."""
        return bool(self.owner or self.objects)

    def object_rule_for(self, operation: Operation) -> ObjectRule | None:
        """Return the object rule for `operation`; None where the view has none at all."""
        if not self.has_object_rule:
            return None
        names = [*operation.names(), ""]
        owned = next((name for name in names if name in self.owner), None)
        narrowed = next((name for name in names if name in self.objects), None)
        owner = None if owned is None else self.owner[owned]
        narrow = None if narrowed is None else self.objects[narrowed]
        if owned is not None and narrow is ANY_OBJECT and narrowed is not None:
            # ANY_OBJECT said of an operation is meant, where the owner was said of more than that.
            owner = owner if names.index(owned) <= names.index(narrowed) else None
        return ObjectRule(owner, narrow)


def parse_policy(
    *,
    read: object = None,
    write: object = None,
    actions: Mapping[str, object] | None = None,
    throttle: object = None,
    owner: object = None,
    objects: object = None,
    limits: object = None,
) -> Policy:
    """Read what `@guard` was given.

    Raises PolicyError, RateError or LimitsError on what cannot be meant.
    """
    said = {"read": read, "write": write}
    demands = {name: _named(name, value) for name, value in said.items() if value is not None}
    for name, value in (actions or {}).items():
        if name in SLOTS:
            raise PolicyError(f"actions={{{name!r}: ...}} is the slot {name}=; give it there")
        demands[name] = _named(f"actions[{name!r}]", value)
    if not demands:
        raise PolicyError("nothing is demanded, so nothing is offered; say read=, write= or both")
    policy = Policy(
        demands=MappingProxyType(demands),
        rates={name: parse_rates(value) for name, value in _by_name(throttle).items()},
        owner={name: _lookup(value) for name, value in _by_name(owner).items()},
        objects={name: _narrowing(value) for name, value in _by_name(objects).items()},
        limits=parse_limits(limits),
    )
    _refuse_gaps(policy)
    return policy


def _named(name: str, value: object) -> Demand:
    try:
        return Demand.parse(value)
    except PolicyError as error:
        raise PolicyError(f"{name}: {error}") from None


def _by_name(value: object) -> Mapping[str, object]:
    if value is None:
        return {}
    if isinstance(value, Mapping):
        if not value:
            raise PolicyError("an empty mapping says nothing; leave it out")
        return value
    return {"": value}


def _lookup(value: object) -> str:
    if isinstance(value, str) and value and all(map(str.isidentifier, value.split("__"))):
        return value
    raise PolicyError(f"owner={value!r} is no lookup; write the field's name, such as 'author'")


def _narrowing(value: object) -> Callable[[Caller], object] | AnyObject:
    if isinstance(value, AnyObject) or callable(value):
        return value
    raise PolicyError(
        f"objects={value!r} is neither a function from a caller to a Q nor ANY_OBJECT"
    )


def _refuse_gaps(policy: Policy) -> None:
    """Refuse object rules that contradict, or leave a demanded slot without an answer."""
    if "" in policy.owner and policy.objects.get("") is ANY_OBJECT:
        raise PolicyError("owner= and objects=ANY_OBJECT contradict; leave one out")
    if not policy.has_object_rule or "" in policy.owner or "" in policy.objects:
        return
    for name in policy.demands:
        if name in SLOTS and name not in policy.owner and name not in policy.objects:
            raise PolicyError(
                f"owner= and objects= say nothing for {name}; "
                f"say whose objects it is for, or objects={{{name!r}: ANY_OBJECT}}"
            )
