"""What a view requires: its policy, and the requirement for each operation."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from types import MappingProxyType
from zlib import crc32

from api_guard.core.limits import parse_limits
from api_guard.core.objects import (
    ANY_OBJECT,
    AnyObject,
    ObjectRule,
    RuleFunction,
    by_name,
    parse_functions,
    parse_keep,
    parse_lookups,
    parse_related,
)
from api_guard.core.operations import SLOTS, Operation, first_of
from api_guard.core.rates import Rate, parse_rates
from api_guard.core.requirements import PolicyError, Requirement


@dataclass(frozen=True)
class Policy:
    """All the requirements, rates and the object rules of one view.

    The keys of every mapping are `Operation.names`; `""` means all other operations. `model` is the
    model of the object rules, if the view itself does not show it. `is_everywhere` says that the
    rules apply in every guarded view. `related` are the fields of the view's model that the object
    rules of other views do not narrow.
    """

    requirements: Mapping[str, Requirement] = field(default_factory=dict)
    rates: Mapping[str, tuple[Rate, ...]] = field(default_factory=dict)
    owner: Mapping[str, str] = field(default_factory=dict)
    objects: Mapping[str, RuleFunction | AnyObject] = field(default_factory=dict)
    limits: Mapping[str, int | str] = field(default_factory=dict)
    keep: Mapping[str, ObjectRule] = field(default_factory=dict)
    model: type | None = None
    is_everywhere: bool = False
    related: frozenset[str] = frozenset()

    @cached_property
    def fingerprint(self) -> str:
        """A short hash of this policy, the same in every process."""
        said = [f"{name}={requirement}" for name, requirement in sorted(self.requirements.items())]
        said += [
            f"{name}={' '.join(map(str, rates))}" for name, rates in sorted(self.rates.items())
        ]
        return f"{crc32('&'.join(said).encode()):08x}"

    def requirement_for(self, operation: Operation) -> Requirement | None:
        """Return the requirement for `operation`; None if the policy does not declare one."""
        found = first_of(self.requirements, operation)
        return found[1] if found else None

    def rates_for(self, operation: Operation) -> tuple[str, tuple[Rate, ...]]:
        """Return the rates for `operation` and the name under which they are counted."""
        return first_of(self.rates, operation) or ("", self.rates.get("", ()))

    @property
    def has_object_rule(self) -> bool:
        """Whether the policy has an object rule."""
        return bool(self.owner or self.objects)

    @property
    def hides_objects(self) -> bool:
        """Whether a rule hides any object: ANY_OBJECT does not, for every model."""
        return bool(self.owner) or any(rule is not ANY_OBJECT for rule in self.objects.values())

    def object_rule_for(self, operation: Operation) -> ObjectRule | None:
        """Return the object rule for `operation`; None if the view has no rules."""
        if not self.has_object_rule:
            return None
        names = [*operation.names(), ""]
        owned = next((name for name in names if name in self.owner), None)
        narrowed = next((name for name in names if name in self.objects), None)
        owner = None if owned is None else self.owner[owned]
        narrow = None if narrowed is None else self.objects[narrowed]
        if owned is not None and narrow is ANY_OBJECT and narrowed is not None:
            # ANY_OBJECT for one operation takes precedence over an owner for several operations.
            owner = owner if names.index(owned) <= names.index(narrowed) else None
        return ObjectRule(owner, narrow)

    def keep_rule_for(self, operation: Operation) -> ObjectRule | None:
        """Return the rule for written objects; by default, it is the rule for finding them."""
        names = (*operation.names(), "")
        kept = next((self.keep[name] for name in names if name in self.keep), None)
        return kept if kept is not None else self.object_rule_for(operation)


def parse_policy(
    *,
    read: object = None,
    write: object = None,
    actions: Mapping[str, object] | None = None,
    throttle: object = None,
    owner: object = None,
    objects: object = None,
    limits: object = None,
    keep: object = None,
    model: type | None = None,
    hold: object = None,
    related: object = None,
) -> Policy:
    """Read the arguments of `@guard`.

    Raises PolicyError, RateError or LimitsError for invalid arguments.
    """
    said = {"read": read, "write": write}
    requirements = {name: _named(name, value) for name, value in said.items() if value is not None}
    for name, value in (actions or {}).items():
        if name in SLOTS:
            raise PolicyError(f"actions={{{name!r}: ...}} is the slot {name}=; write it there")
        requirements[name] = _named(f"actions[{name!r}]", value)
    if not requirements:
        raise PolicyError(
            "nothing is required, so every request is refused; write read=, write= or both"
        )
    policy = Policy(
        requirements=MappingProxyType(requirements),
        rates={name: parse_rates(value) for name, value in by_name(throttle).items()},
        owner=parse_lookups("owner", owner),
        objects=parse_functions(objects),
        limits=parse_limits(limits),
        keep=parse_keep(keep),
        model=model,
        is_everywhere=_is_everywhere(hold),
        related=parse_related(related),
    )
    _refuse_gaps(policy)
    return policy


def _named(name: str, value: object) -> Requirement:
    try:
        return Requirement.parse(value)
    except PolicyError as error:
        raise PolicyError(f"{name}: {error}") from None


def _is_everywhere(hold: object) -> bool:
    if hold not in (None, "everywhere"):
        raise PolicyError(f'hold={hold!r}: the only value is hold="everywhere"')
    return hold is not None


def _refuse_gaps(policy: Policy) -> None:
    """Refuse object rules that contradict each other, or that miss a required slot."""
    if "" in policy.owner and policy.objects.get("") is ANY_OBJECT:
        raise PolicyError("owner= and objects=ANY_OBJECT contradict each other; remove one")
    for name, is_said in (("keep", bool(policy.keep)), ("hold", policy.is_everywhere)):
        if is_said and not policy.has_object_rule:
            raise PolicyError(f"{name}= needs an object rule; write owner= or objects= too")
    if not policy.has_object_rule or "" in policy.owner or "" in policy.objects:
        return
    for name in policy.requirements:
        if name in SLOTS and name not in policy.owner and name not in policy.objects:
            raise PolicyError(
                f"owner= and objects= have no rule for {name}; "
                f"add one, or write objects={{{name!r}: ANY_OBJECT}}"
            )
