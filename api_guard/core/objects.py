"""Object rules: which objects an operation finds, and which it may leave behind."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum

from api_guard.core.requirements import PolicyError

RuleFunction = Callable[..., object]


class AnyObject(Enum):
    """The only way to declare that every caller may reach all objects of a view."""

    ANY_OBJECT = "any object"

    def __repr__(self) -> str:
        return self.name


ANY_OBJECT = AnyObject.ANY_OBJECT


@dataclass(frozen=True)
class ObjectRule:
    """Which objects one operation may touch.

    `owner` is a lookup that leads to the user. `narrow` is ANY_OBJECT, or a function that takes a
    Caller (and, if it wants, the request) and returns a Q. If both are set, both apply. If neither
    is set, no object may be touched.
    """

    owner: str | None = None
    narrow: RuleFunction | AnyObject | None = None

    @property
    def is_any(self) -> bool:
        """Whether every allowed caller may reach every object."""
        return self.owner is None and self.narrow is ANY_OBJECT

    @property
    def key(self) -> tuple[str | None, int]:
        """A key that identifies the rule, because a function may not be hashable."""
        return self.owner, id(self.narrow)

    def __str__(self) -> str:
        parts = [f"owner={self.owner}"] if self.owner else []
        if isinstance(self.narrow, AnyObject):
            parts += [] if parts else ["any"]
        elif self.narrow is not None:
            parts.append(f"objects={getattr(self.narrow, '__name__', 'function')}")
        return ", ".join(parts) or "none"


def takes_request(function: RuleFunction) -> bool:
    """Whether a rule function takes the request as well as the caller.

    It does if its second parameter has no default or is called `request`.
    """
    # By identity, because a function may not be hashable. Keep the function, so that its id is not
    # reused.
    known = _TAKING.get(id(function))
    if known is None or known[0] is not function:
        if len(_TAKING) > _MOST_KEPT:
            _TAKING.clear()  # do not keep functions forever that are made in requests
        known = _TAKING[id(function)] = (function, _takes_request(function))
    return known[1]


_MOST_KEPT = 10_000
_TAKING: dict[int, tuple[RuleFunction, bool]] = {}
_POSITIONAL = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)


def _takes_request(function: RuleFunction) -> bool:
    try:
        parameters = list(inspect.signature(function).parameters.values())
    except (TypeError, ValueError):
        return False
    second = [each for each in parameters if each.kind in _POSITIONAL][1:2]
    return any(each.default is each.empty or each.name == "request" for each in second)


def parse_lookups(name: str, value: object) -> dict[str, str]:
    """Read `owner=`: a lookup, or a mapping of slots and actions to lookups. Raise PolicyError."""
    return {key: _lookup(name, each) for key, each in by_name(value).items()}


def parse_functions(value: object) -> dict[str, RuleFunction | AnyObject]:
    """Read `objects=`: a function, ANY_OBJECT, or a mapping to these. Raise PolicyError."""
    found: dict[str, RuleFunction | AnyObject] = {}
    for key, each in by_name(value).items():
        if not isinstance(each, AnyObject) and not callable(each):
            raise PolicyError(
                f"objects={each!r} is neither a function from a caller to a Q nor ANY_OBJECT"
            )
        found[key] = each
    return found


def parse_keep(value: object) -> dict[str, ObjectRule]:
    """Read `keep=`: a lookup, a function, ANY_OBJECT, or a mapping to these. Raise PolicyError."""
    found: dict[str, ObjectRule] = {}
    for key, each in by_name(value).items():
        if isinstance(each, AnyObject) or callable(each):
            found[key] = ObjectRule(narrow=each)
        else:
            found[key] = ObjectRule(owner=_lookup("keep", each))
    return found


def parse_related(value: object) -> frozenset[str]:
    """Read `related=`: the fields that other views' object rules do not narrow."""
    if value is None:
        return frozenset()
    if not isinstance(value, Mapping) or not value:
        raise PolicyError('related= is a mapping, such as {"reviewer": ANY_OBJECT}')
    for name, each in value.items():
        if each is not ANY_OBJECT:
            raise PolicyError(f"related={{{name!r}: {each!r}}}: the only value is ANY_OBJECT")
    return frozenset(map(str, value))


def by_name(value: object) -> Mapping[str, object]:
    """Return a mapping by slots and actions; `""` means every operation."""
    if value is None:
        return {}
    if isinstance(value, Mapping):
        if not value:
            raise PolicyError("an empty mapping has no effect; remove it")
        return value
    return {"": value}


def _lookup(name: str, value: object) -> str:
    if isinstance(value, str) and value and all(map(str.isidentifier, value.split("__"))):
        return value
    raise PolicyError(
        f"{name}={value!r} is not a lookup; write the name of a field, such as 'author'"
    )
