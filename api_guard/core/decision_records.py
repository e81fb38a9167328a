"""The record of a decision: who asked for what, the outcome, and which side lacks which scope."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, fields
from enum import StrEnum
from typing import Any

from api_guard.core.requirements import Requirement
from api_guard.core.scopes import Credential, Granted

# A client chooses these texts, and may choose long ones.
_LONGEST = 400


class Outcome(StrEnum):
    """How a request was decided."""

    ALLOWED = "allowed"
    REFUSED = "refused"
    WOULD_REFUSE = "would_refuse"  # only reported: API_GUARD["REPORT_ONLY"]
    UNAVAILABLE = "unavailable"  # something that the decision needs is down


@dataclass(frozen=True)
class DecisionRecord:
    """One decision. Unknown values are None or empty. It holds no secrets.

    `reason` is the code that the client sees. `because` says more about some reasons. `user` and
    `client` are primary keys, as text. `address` is given where there is neither. `requires_scopes`
    are groups of alternatives: the caller needs one scope of each group. `answered` is the status
    that the client got where the refusal was only reported.

    `token_lacks`, `user_lacks` and `client_lacks` name the required scopes that this side lacks.
    The user's side is the user, its groups and everyone. None says that there is no such side, or
    that the request did not look it up.
    """

    id: str
    outcome: str
    reason: str = ""
    because: str = ""
    status: int | None = None
    answered: int | None = None
    method: str = ""
    action: str = ""
    path: str = ""
    route: str = ""
    view: str = ""
    user: str | None = None
    client: str | None = None
    credential: str = ""
    standing: str = ""
    address: str = ""
    requires_standing: str = ""
    requires_scopes: tuple[tuple[str, ...], ...] = ()
    token_lacks: tuple[str, ...] | None = None
    user_lacks: tuple[str, ...] | None = None
    client_lacks: tuple[str, ...] | None = None
    rate: str = ""
    wait: int | None = None

    def as_dict(self) -> dict[str, Any]:
        """Return the known values under the names of the log line. The id is named `decision`."""
        said = {"decision": self.id}
        for field in fields(self)[1:]:
            value = getattr(self, field.name)
            if value is not None and value != "" and (value or field.name != "requires_scopes"):
                said[field.name] = value
        return said

    def as_line(self) -> str:
        """Return one line of JSON in ASCII. No value can break the line."""
        return json.dumps(self.as_dict())


def record_from(said: object) -> DecisionRecord | None:
    """Return the record that `as_dict` or its JSON came from; None for anything else."""
    if not isinstance(said, Mapping) or not _is_record(said):
        return None
    values = {str(name): _frozen(value) for name, value in said.items()}
    values["id"] = values.pop("decision")
    return DecisionRecord(**values)


def shortened(text: str) -> str:
    """Return a text of a client, cut to a length that fits a log."""
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"


@dataclass(frozen=True)
class Lacks:
    """The required scopes that each side lacks; None for a side that is absent or unknown."""

    token: tuple[str, ...] | None = None
    user: tuple[str, ...] | None = None
    client: tuple[str, ...] | None = None


def lacks_of(
    requirement: Requirement,
    credential: Credential,
    carried: frozenset[str],
    granted: Granted,
    known: frozenset[str] | None,
) -> Lacks:
    """Return which side lacks which of the required scopes.

    `known` names the scopes whose grants were looked up, None for all of them. If all sides have
    the same alternative of a group, the caller meets that group, and it is left out.
    """
    if credential is not Credential.UNSCOPED and not credential.is_token:
        return Lacks()
    is_known = known is None or known.issuperset(requirement.scope_names)
    token = carried if credential.is_token else None
    user = granted.user if is_known else None
    client = granted.client if is_known and credential is Credential.TOKEN else None
    sides = (token, user, client)
    held = [side for side in sides if side is not None]
    # A token without its client is worth nothing, even if the other sides have a scope in common.
    is_clientless = is_known and credential is Credential.TOKEN and client is None
    unmet = [
        name
        for group in requirement.scopes
        if is_clientless or not any(all(name in side for side in held) for name in group)
        for name in group
    ]
    names = dict.fromkeys(unmet)
    return Lacks(
        *(None if side is None else tuple(n for n in names if n not in side) for side in sides)
    )


def _frozen(value: Any) -> Any:
    return tuple(map(_frozen, value)) if isinstance(value, (list, tuple)) else value


def _is_record(said: Mapping[Any, Any]) -> bool:
    kinds = {"decision": "str", **{f.name: str(f.type) for f in fields(DecisionRecord)[1:]}}
    return {"decision", "outcome"} <= said.keys() <= kinds.keys() and all(
        _is_of_kind(value, kinds[name]) for name, value in said.items()
    )


def _is_of_kind(value: Any, kind: str) -> bool:
    if kind.startswith("str"):
        return isinstance(value, str)
    if kind.startswith("int"):
        return isinstance(value, int)
    if not isinstance(value, (list, tuple)):
        return False
    inner = "tuple" if kind.startswith("tuple[tuple") else "str"
    return all(_is_of_kind(each, inner) for each in value)
