"""Asks every view for the objects of another user (OWASP API1:2023)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from django.contrib.auth import get_user_model
from django.db.models import Model
from django.test import override_settings

from api_guard import conf
from api_guard.access.endpoints import Endpoint, dotted_path, endpoints, model_of
from api_guard.testing.asking import Asked, Question
from api_guard.testing.granting import grant_scopes
from api_guard.testing.linking import links_of, write_link
from api_guard.testing.places import place_of
from api_guard.testing.probes import GROUP
from api_guard.testing.undoing import undone

Factories = Mapping[type[Model], Callable[[Any], Model]]
_CLOSED = frozenset({401, 403, 404, 405})
_FIX = {
    "object": 'add owner="..." or objects=... to its @guard; objects=ANY_OBJECT if this is meant',
    "list": 'add owner="..." or objects=... to its @guard; objects=ANY_OBJECT if this is meant',
    "field": 'guard a view of those objects with owner="...", or narrow the field\'s queryset',
}


@dataclass(frozen=True)
class ObjectFinding:
    """What one operation did with the object of another user.

    `what` is "object", "list" or "field NAME". `is_leak` means that the caller reached the object.
    `is_clear` is False if the answer does not show it, for example because the owner is refused
    too.
    """

    method: str
    path: str
    view: str
    what: str
    status: str
    is_leak: bool
    is_clear: bool
    place: str


def assert_no_object_leaks(
    factories: Factories,
    *,
    make_user: Callable[[str], Any] | None = None,
    urlconf: str | None = None,
) -> None:
    """Raise AssertionError if a user reaches an object of another user. Needs a database.

    `factories` maps each model to a function that makes an object of the user it is given.
    `make_user` makes a user with the name that it is given. Both users are granted every scope.
    Views that declare ANY_OBJECT are left out.
    """
    findings = probe_objects(factories, make_user=make_user, urlconf=urlconf)
    leaks = [finding for finding in findings if finding.is_leak]
    lines = [
        f"  {leak.method} {leak.path}, {leak.view}{leak.place}: {leak.what}, {leak.status}; "
        f"{_FIX[leak.what.partition(' ')[0]]}"
        for leak in leaks
    ]
    if leaks:
        raise AssertionError("\n".join(["A user reaches objects of another user:", *lines]))
    if not findings:
        raise AssertionError("No view shows objects of these models; look at the factories.")


def probe_objects(
    factories: Factories,
    *,
    make_user: Callable[[str], Any] | None = None,
    urlconf: str | None = None,
) -> list[ObjectFinding]:
    """Return what each operation over these models does with an object of another user.

    Everything that it stores is undone, in the default database and in that of the grants.
    """
    make = make_user or _make_user
    with override_settings(RATELIMIT_ENABLE=False), undone():
        users = make("probe-one"), make("probe-two")
        for user in users:
            user.is_staff = True
            user.save()
            grant_scopes(user, *conf.scopes())
        return [
            finding
            for endpoint, model in _probed(factories, urlconf)
            for finding in _probe(Question(endpoint, urlconf), model, factories, *users)
        ]


def _make_user(name: str) -> Any:
    model: Any = get_user_model()
    return model._default_manager.create_user(**{model.USERNAME_FIELD: name})


def _probed(factories: Factories, urlconf: str | None) -> Iterator[tuple[Endpoint, type[Model]]]:
    asked: set[object] = set()
    for endpoint in endpoints(urlconf):
        names = GROUP.findall(endpoint.route)
        others = tuple(name for name in names if name != "format")
        question = (endpoint.view, endpoint.operation, others)
        if "format" in names and question in asked:
            continue  # a route of DRF's format_suffix_patterns() repeats another one
        asked.add(question)
        cls: Any = endpoint.view_class
        model = None if cls is None else model_of(cls)
        if model is not None and model in factories and _may_leak(endpoint):
            yield endpoint, model


def _may_leak(endpoint: Endpoint) -> bool:
    if endpoint.operation.method in ("HEAD", "OPTIONS"):
        return False
    if endpoint.policy is None:
        return True
    rule = endpoint.policy.object_rule_for(endpoint.operation)
    return endpoint.requirement is not None and not (rule is not None and rule.is_any)


def _probe(
    question: Question, model: type[Model], factories: Factories, mine: Any, theirs: Any
) -> Iterator[ObjectFinding]:
    endpoint = question.endpoint

    def said(what: str, asked: Asked, *, is_leak: bool, is_clear: bool) -> ObjectFinding:
        return ObjectFinding(
            endpoint.operation.method,
            endpoint.route,
            dotted_path(endpoint.view_class),
            what,
            str(asked.status or asked.error),
            is_leak,
            is_clear,
            place_of(endpoint.view_class),
        )

    if question.is_about_one():
        with undone():
            strange = factories[model](theirs)
            own = question.ask(theirs, strange, question.body_of(theirs, strange))
        with undone():
            strange = factories[model](theirs)
            asked = question.ask(mine, strange, question.body_of(theirs, strange))
        reached = asked.status is not None and asked.status < 400
        is_clear = reached or (asked.status in _CLOSED and own.status not in _CLOSED)
        yield said("object", asked, is_leak=reached, is_clear=is_clear)
    elif endpoint.operation.method == "GET":
        with undone():
            strange = factories[model](theirs)
            asked = question.ask(mine, None, None)
            own = question.ask(theirs, None, None)
            reached = asked.shows(strange)
            is_clear = reached or own.shows(strange)
        yield said("list", asked, is_leak=reached, is_clear=is_clear)
    if endpoint.operation.method in ("POST", "PUT", "PATCH"):
        yield from _probe_fields(question, said, model, factories, mine, theirs)


def _probe_fields(
    question: Question,
    said: Callable[..., ObjectFinding],
    model: type[Model],
    factories: Factories,
    mine: Any,
    theirs: Any,
) -> Iterator[ObjectFinding]:
    for link in links_of(question.endpoint.view_class):
        if link.model not in factories:
            continue
        control = write_link(question, link, model, factories, mine, mine)
        asked = write_link(question, link, model, factories, mine, theirs)
        yield said(
            f"field {link.name}",
            asked.answer,
            is_leak=asked.is_stored,
            is_clear=asked.is_stored or control.is_stored,
        )
