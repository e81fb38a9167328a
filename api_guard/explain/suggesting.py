"""Suggests grants for the refusals in a log of decisions."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from django.contrib.auth import get_user_model
from django.db import models, router

from api_guard import conf, grants
from api_guard.access.decisions import is_unsigned, read_line
from api_guard.core.decision_records import DecisionRecord
from api_guard.core.suggesting import Apart, by_groups, needs_of
from api_guard.models import ScopeGrant
from api_guard.models.memberships import membership_of

VERSION = 1


@dataclass(frozen=True)
class Suggestion:
    """What to grant to whom, and the refusals for which nothing is suggested.

    `given` holds (kind, natural key, scopes), groups first.
    """

    given: tuple[tuple[str, str, tuple[str, ...]], ...]
    apart: tuple[tuple[dict[str, Any], int], ...]

    def as_dict(self) -> dict[str, Any]:
        """Return the file for `guard_sync`."""
        return {
            "version": VERSION,
            "grants": [{kind: name, "scopes": list(scopes)} for kind, name, scopes in self.given],
            "apart": [{**said, "requests": count} for said, count in self.apart],
        }

    def as_text(self) -> str:
        """Return it as lines to read."""
        said = [f"grant {' '.join(scopes)} to {kind} {name}" for kind, name, scopes in self.given]
        said = said or ["Nothing to grant."]
        if self.apart:
            said.append("Apart:")
        for each, count in self.apart:
            whom = " ".join(f"{kind} {each[kind]}" for kind in ("user", "client") if kind in each)
            handler = ".".join(filter(None, (each["view"], each.get("action"))))
            asked = f"{each['method']} {handler}".strip()
            scopes = " ".join(each.get("scopes", ()))
            parts = "; ".join(filter(None, (each["reason"], scopes, whom, each["why"])))
            said.append(f"  {count} x {asked}: {parts}" if asked else f"  {count} x {parts}")
        return "".join(f"{line}\n" for line in said)


class Log:
    """The decisions in the lines of a log that this site signed.

    `unsigned` counts those that it did not sign, as far as the log was read.
    """

    def __init__(self, lines: Iterable[str]) -> None:
        self._lines = lines
        self.signed = self.unsigned = 0

    def __iter__(self) -> Iterator[DecisionRecord]:
        for line in self._lines:
            record = read_line(line)
            if record is not None:
                self.signed += 1
                yield record
            else:
                self.unsigned += is_unsigned(line)


def records_in(lines: Iterable[str]) -> Iterator[DecisionRecord]:
    """Return the decisions in the lines of a log that this site signed."""
    return iter(Log(lines))


def suggest(records: Iterable[DecisionRecord], wanted: Iterable[str] = ()) -> Suggestion:
    """Return the fewest grants that would have allowed the requests.

    Scopes that were granted since are left out. `wanted` names groups that may get a scope even if
    not all members needed it.
    """
    terms = conf.scope_terms()
    needs = needs_of(records, lambda name: name in terms and not terms[name].is_sensitive)
    users, clients = _rows(get_user_model(), needs.users), _rows(_client_model(), needs.clients)
    needs.without("user", sorted(needs.users.keys() - users.keys()))
    needs.without("client", sorted(needs.clients.keys() - clients.keys()))
    lacked = {
        key: needs.users[key] - _held(user, None, needs.users[key]) for key, user in users.items()
    }
    members = _members()
    scopes = tuple(sorted({name for names in lacked.values() for name in names}))
    others = {key for in_it in members.values() for key in in_it} - lacked.keys()
    everyone = _rows(get_user_model(), others)
    holds = {
        key: _held(user, None, set(scopes)) for key, user in (everyone | users).items() if scopes
    }
    of_groups, of_users = by_groups(lacked, members, holds, wanted)
    given = [("group", name, names) for name, names in of_groups.items()]
    given += [("user", users[key].get_username(), names) for key, names in of_users.items()]
    for key, client in clients.items():
        names = needs.clients[key] - _held(None, client, needs.clients[key])
        given += [("client", client.client_id, names)] if names else []
    order = ("group", "user", "client")
    given.sort(key=lambda each: (order.index(each[0]), each[1]))
    return Suggestion(
        tuple((kind, name, tuple(sorted(names))) for kind, name, names in given),
        tuple((_named(apart), count) for apart, count in needs.apart.items()),
    )


def _held(user: Any, client: Any, scopes: set[str]) -> set[str]:
    client_id = None if client is None else client.pk
    return {way.scope for way in grants.ways(user, client_id, sorted(scopes))}


def _members() -> dict[str, frozenset[str]]:
    """Return the active members of each group but everyone's, by its name."""
    model: Any = get_user_model()
    members: dict[str, set[str]] = {}
    if membership_of(model) is not None:
        rows = model._base_manager.using(router.db_for_write(model)).prefetch_related("groups")
        for user in rows.filter(groups__isnull=False).distinct():
            for group in user.groups.all() if getattr(user, "is_active", False) else ():
                if not conf.is_everyone_group(group.name):
                    members.setdefault(group.name, set()).add(str(user.pk))
    return {name: frozenset(keys) for name, keys in members.items()}


def _client_model() -> Any:
    return ScopeGrant._meta.get_field("client").related_model


def _rows(model: Any, keys: Iterable[str]) -> dict[str, Any]:
    """Return the rows of these primary keys that there still are."""
    rows: models.QuerySet[Any] = model._base_manager.using(router.db_for_write(model))
    return {str(row.pk): row for row in rows.filter(pk__in=list(keys))}


def _named(apart: Apart) -> dict[str, Any]:
    said: dict[str, Any] = {"why": apart.why, "reason": apart.reason, "method": apart.method}
    said["view"] = apart.view
    if apart.action:
        said["action"] = apart.action
    if apart.scopes:
        said["scopes"] = list(apart.scopes)
    for kind, model, key in (
        ("user", get_user_model(), apart.user),
        ("client", _client_model(), apart.client),
    ):
        row = None if key is None else _rows(model, [key]).get(key)
        if row is not None:
            said[kind] = row.get_username() if kind == "user" else row.client_id
    return said
