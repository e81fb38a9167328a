"""Finds the users and clients that hold a scope or may do an operation, and their grants."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from django.contrib.auth import get_user_model
from django.db import models, router
from django.urls import Resolver404, resolve

from api_guard import grants
from api_guard.access.callers import caller_as
from api_guard.access.endpoints import policy_of, view_class_of
from api_guard.core.caller import Caller, Standing
from api_guard.core.decision import decide
from api_guard.core.requirements import Requirement
from api_guard.core.scopes import NO_SCOPES, Credential
from api_guard.explain.operations import operation_at, permissions_of
from api_guard.models import ScopeGrant
from api_guard.models.memberships import membership_of


@dataclass(frozen=True)
class Who:
    """A caller who is allowed, and the grants that allow it.

    `kind` is user, everyone, client or anybody.
    """

    kind: str
    name: str
    through: tuple[str, ...]

    def __str__(self) -> str:
        whom = f"{self.kind} {self.name}".strip()
        return f"{whom}: {'; '.join(self.through)}" if self.through else whom


def can(scope: str, most: int) -> Iterator[Who]:
    """Yield who holds a scope. Of each group, yield at most `most` members."""
    for way in grants.holders([scope]):
        if way.kind != "group":
            yield Who(way.kind, "" if way.kind == "everyone" else way.name, (str(way),))
            continue
        if membership_of(get_user_model()) is None:
            continue
        for user in _users().filter(groups=way.pk).order_by("pk")[:most]:
            yield Who("user", str(user), (str(way),))


def who_can(method: str, path: str, most: int, urlconf: str | None = None) -> Iterator[Who]:
    """Yield who meets the requirements of an operation. Raises LookupError if none is declared.

    At most `most` users and `most` clients. It assumes that users have a session, and that
    clients have a token with every scope.
    """
    requirements = _requirements_at(method, path, urlconf)
    if all(each.is_public for each in requirements):
        yield Who("anybody", "", ("PUBLIC",))
        return
    names = tuple(dict.fromkeys(name for each in requirements for name in each.scope_names))
    yield from _users_who_can(requirements, names, most)
    yield from _clients_who_can(requirements, names, most)


def _requirements_at(method: str, path: str, urlconf: str | None) -> list[Requirement]:
    try:
        callback = resolve(path, urlconf).func
    except Resolver404:
        raise LookupError(f"No URL matches {path}.") from None
    cls = view_class_of(callback)
    policy = policy_of(cls)
    found: list[Requirement | None] = []
    if policy is not None:
        found.append(policy.requirement_for(operation_at(callback, method)))
    if cls is not None:
        found += [each for each, _ in permissions_of(callback, cls) if each is not None]
    if not found or None in found:
        raise LookupError(
            f"Nothing is declared for {method} {path}: api_guard refuses it, or it is exempt."
        )
    return [each for each in found if each is not None]


def _users_who_can(
    requirements: list[Requirement], names: tuple[str, ...], most: int
) -> Iterator[Who]:
    held = grants.holders(names)
    everyone = tuple(way for way in held if way.kind == "everyone")
    standing = max(each.standing or Standing.SIGNED_IN for each in requirements)
    shared = frozenset(way.scope for way in everyone)
    is_open = all(each.is_met_by(shared) for each in requirements)
    if is_open and standing < Standing.STAFF:
        yield Who("every active user", "", tuple(map(str, everyone)))
        return
    count = 0
    for user in _users().order_by("pk").iterator() if is_open else _candidates(held):
        caller = caller_as(user, None, Credential.UNSCOPED, NO_SCOPES)
        if count < most and _may(requirements, caller):
            count += 1
            yield Who("user", str(user), tuple(map(str, grants.ways(user, None, names))))


def _candidates(held: Iterable[grants.Way]) -> models.QuerySet[Any]:
    """Return the active users who hold one of these grants, directly or through a group."""
    keys: dict[str, list[object]] = {"user": [], "group": []}
    for way in held:
        keys.get(way.kind, []).append(way.pk)
    mine = models.Q(pk__in=keys["user"])
    if keys["group"] and membership_of(get_user_model()) is not None:
        mine |= models.Q(groups__in=keys["group"])
    return _users().filter(mine).distinct().order_by("pk")


def _clients_who_can(
    requirements: list[Requirement], names: tuple[str, ...], most: int
) -> Iterator[Who]:
    model: Any = ScopeGrant._meta.get_field("client").related_model
    keys = {way.pk for way in grants.holders(names) if way.kind == "client"}
    clients = model._default_manager.using(router.db_for_write(model))
    count = 0
    for client in clients.filter(pk__in=keys).order_by("pk"):
        caller = caller_as(None, client.pk, Credential.TOKEN, frozenset(names))
        if count < most and _may(requirements, caller):
            count += 1
            through = tuple(map(str, grants.ways(None, client.pk, names)))
            yield Who("client", str(client), through)


def _may(requirements: list[Requirement], caller: Caller) -> bool:
    return all(decide(each, caller).allowed for each in requirements)


def _users() -> models.QuerySet[Any]:
    model: Any = get_user_model()
    return grants.active(model._default_manager.using(router.db_for_write(model)))
