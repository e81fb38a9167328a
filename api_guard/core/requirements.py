"""Requirements: what one operation asks for."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from api_guard.core.caller import Standing
from api_guard.core.scopes import BUNDLE_MARK, PROTOCOL_SCOPES, is_scope_name


class PolicyError(ValueError):
    """An invalid policy."""


@dataclass(frozen=True)
class AnyOf:
    """One of several scopes is enough."""

    scopes: tuple[str, ...]


def any_of(*scopes: str) -> AnyOf:
    """Require any one of these scopes."""
    return AnyOf(scopes)


# What `read=`, `write=` and each of `actions=` take.
Required = str | Standing | AnyOf | tuple[str | Standing | AnyOf, ...]


@dataclass(frozen=True)
class Requirement:
    """What one operation asks for: a standing and scopes.

    `scopes` are groups of alternatives: a caller must hold one scope of every group. A standing of
    None asks for any authenticated caller, user or client.
    """

    standing: Standing | None = None
    scopes: tuple[tuple[str, ...], ...] = ()

    @classmethod
    def parse(cls, value: object) -> Requirement:
        """Read a scope, a standing, `any_of(...)` or a tuple of them. Raise PolicyError."""
        if isinstance(value, Requirement):
            return value
        parts = value if isinstance(value, tuple) else (value,)
        if not parts:
            raise PolicyError(
                "an empty requirement requires nothing; write PUBLIC if you mean that"
            )
        standings = [part for part in parts if isinstance(part, Standing)]
        scopes = tuple(_alternatives(part) for part in parts if not isinstance(part, Standing))
        if len(standings) > 1:
            raise PolicyError(f"{value!r} has two standings; keep the stronger one")
        standing = standings[0] if standings else None
        if standing is Standing.PUBLIC and scopes:
            raise PolicyError(f"{value!r} contradicts itself: remove PUBLIC")
        return cls(standing, scopes)

    @property
    def is_public(self) -> bool:
        """Whether it allows everybody."""
        return self.standing is Standing.PUBLIC

    @property
    def is_staff(self) -> bool:
        """Whether it requires staff."""
        return self.standing is Standing.STAFF

    @cached_property
    def scope_names(self) -> tuple[str, ...]:
        """All its scopes, in order."""
        return tuple(dict.fromkeys(name for group in self.scopes for name in group))

    def is_met_by(self, held: frozenset[str]) -> bool:
        """Whether `held` has one scope of every group."""
        return all(not held.isdisjoint(group) for group in self.scopes)

    def __str__(self) -> str:
        parts = [] if self.standing is None else [self.standing.name]
        parts += [" or ".join(group) for group in self.scopes]
        return ", ".join(parts)


def _alternatives(part: object) -> tuple[str, ...]:
    names = part.scopes if isinstance(part, AnyOf) else (part,)
    if not names:
        raise PolicyError(
            "any_of() without scopes refuses every caller, as in any_of('notes:read')"
        )
    for name in names:
        if isinstance(name, str) and name in Standing.__members__:
            raise PolicyError(
                f"{name!r} is a string; from api_guard import {name} and write {name}"
            )
        if not is_scope_name(name):
            raise PolicyError(
                f"{name!r} is not a requirement; write a scope such as 'notes:read', PUBLIC, "
                "SIGNED_IN, STAFF, any_of(...) or a tuple of them"
            )
        if str(name).startswith(BUNDLE_MARK):
            raise PolicyError(f"{name!r} is a bundle; require one of its scopes")
        if name in PROTOCOL_SCOPES:
            raise PolicyError(f"{name!r} is a scope of OpenID Connect and cannot be required")
    return tuple(str(name) for name in names)
