"""The whole API on one page: a row for every route and requirement, in four formats."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import astuple, dataclass, fields, replace

from api_guard.access.endpoints.fields import narrowed_fields
from api_guard.access.endpoints.statuses import Status
from api_guard.access.endpoints.walk import Endpoint
from api_guard.core.policy import Policy
from api_guard.core.requirements import Requirement

_WRITES = ("POST", "PUT", "PATCH")
_FIRST_PARTY = " (first-party only)"
_HAS_SCOPES = " (HasScopes)"


@dataclass(frozen=True)
class Row:
    """What one view requires at one route. Methods with the same requirement share a row."""

    method: str
    path: str
    view: str
    action: str
    requirement: str
    rates: str
    objects: str
    status: str


def listing(endpoints: Iterable[Endpoint]) -> list[Row]:
    """Return the rows of the listing, in the order of the URLconf."""
    methods: dict[Row, list[str]] = {}
    for endpoint in endpoints:
        methods.setdefault(_row(endpoint), []).append(endpoint.operation.method)
    return [replace(row, method=" ".join(names)) for row, names in methods.items()]


def _row(endpoint: Endpoint) -> Row:
    policy, operation = endpoint.policy, endpoint.operation
    rates = objects = requirement = ""
    if policy is not None:
        requirement = _requirement(endpoint.requirement)
        rates = " ".join(map(str, policy.rates_for(operation)[1]))
        objects = _objects(policy, endpoint)
    elif endpoint.status is Status.GUARDED:
        requirement = f"{', '.join(endpoint.declared)}{_HAS_SCOPES}"
    action = operation.action or ""
    path, view, status = endpoint.route, endpoint.view, endpoint.status.value
    return Row("", path, view, action, requirement, rates, objects, status)


def _objects(policy: Policy, endpoint: Endpoint) -> str:
    """Write the object rule, the keep rule if it differs, and narrowed fields."""
    operation = endpoint.operation
    rule, keep = policy.object_rule_for(operation), policy.keep_rule_for(operation)
    said = [] if rule is None else [str(rule)]
    if keep != rule and operation.slot == "write":
        said.append(f"keep({keep})")
    if policy.is_everywhere:
        said.append("everywhere")
    if endpoint.view_class is not None and operation.method in _WRITES:
        said += narrowed_fields(endpoint.view_class)
    return ", ".join(said)


def _requirement(requirement: Requirement | None) -> str:
    if requirement is None:
        return "refused"
    alone = (
        requirement.standing is not None and not requirement.is_public and not requirement.scopes
    )
    return f"{requirement}{_FIRST_PARTY}" if alone else str(requirement)


def _heads() -> list[str]:
    return [field.name for field in fields(Row)]


# The widest column of a table.
_WIDEST = 72


def as_table(rows: Sequence[Row]) -> str:
    """Write the rows in columns, for a terminal."""
    table = [tuple(_heads()), *(astuple(row) for row in rows)]
    # One long cell, such as the links of a view, does not widen all the other lines.
    widths = [
        max(len(cell) for cell in column if len(cell) <= _WIDEST)
        for column in zip(*table, strict=True)
    ]
    lines = ("  ".join(map(str.ljust, cells, widths)).rstrip() for cells in table)
    return "\n".join(lines) + "\n"


def as_markdown(rows: Sequence[Row]) -> str:
    """Write the rows as a Markdown table."""
    table = [_heads(), ["---"] * len(_heads())]
    table += [[cell.replace("|", "\\|") for cell in astuple(row)] for row in rows]
    return "".join(f"| {' | '.join(cells)} |\n" for cells in table)


def as_csv(rows: Sequence[Row]) -> str:
    """Write the rows as comma-separated values."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(_heads())
    writer.writerows(astuple(row) for row in rows)
    return text.getvalue()


def as_json(rows: Sequence[Row]) -> str:
    """Write the rows as a list of objects, one a line."""
    names = _heads()
    lines = (json.dumps(dict(zip(names, astuple(row), strict=True))) for row in rows)
    return "[\n" + ",\n".join(lines) + "\n]\n"


FORMATS: dict[str, Callable[[Sequence[Row]], str]] = {
    "table": as_table,
    "markdown": as_markdown,
    "csv": as_csv,
    "json": as_json,
}
