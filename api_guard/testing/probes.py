"""Calls every endpoint with its handlers replaced, to see what it really answers."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from itertools import count
from typing import Any

from asgiref.sync import async_to_sync, iscoroutinefunction
from django.conf import settings
from django.contrib.auth import get_user_model
from django.db import DEFAULT_DB_ALIAS, transaction
from django.http import HttpRequest
from django.test import RequestFactory
from rest_framework.response import Response
from rest_framework.test import force_authenticate

from api_guard import conf
from api_guard.access.endpoints import (
    Route,
    Status,
    dotted_path,
    operations,
    policy_of,
    routes,
    status_of,
)
from api_guard.checks.middleware import MIDDLEWARE
from api_guard.core.operations import Operation
from api_guard.middleware import GuardMiddleware
from api_guard.testing.places import place_of

Fault = Callable[[], AbstractContextManager[None]]

GROUP = re.compile(r"<(?:\w+:)?(\w+)>")
_REACHED = "_api_guard_probed"
_CLEAR = frozenset({"reached", "401", "403", "405"})
_callers = count(1)


@dataclass(frozen=True)
class Finding:
    """The answers of one operation to an anonymous caller and to a user without grants.

    The answers are statuses or names of exceptions. `is_leak` means that a caller reached the
    handler although the policy refuses it. `is_clear` means that the answers show whether the guard
    refused; 404 and 503 do not.
    """

    path: str
    method: str
    view: str
    anonymous: str
    grantless: str
    is_leak: bool
    is_clear: bool
    place: str = ""


def probe(urlconf: str | None = None, fault: Fault = nullcontext) -> Iterator[Finding]:
    """Probe every operation of every DRF route, each question inside a `fault()`.

    The handlers are replaced during the probe. Changes that an overridden `dispatch()` makes in the
    default database are undone.
    """
    for route in routes(urlconf):
        if route.view_class is not None:
            for operation in operations(route):
                yield _probe(route, operation, fault)


def _probe(route: Route, operation: Operation, fault: Fault) -> Finding:
    cls: Any = route.view_class
    policy, status = policy_of(cls), status_of(route.callback, route.path)
    requirement = policy.requirement_for(operation) if policy is not None else None
    to_all = status is Status.EXEMPT or (requirement is not None and requirement.is_public)
    to_users = to_all or (
        requirement is not None and not requirement.scopes and not requirement.is_staff
    )
    number = next(_callers)
    with _replaced_handlers(cls, operation):
        anonymous, is_open = _ask(route, operation, number, None, fault)
        grantless, is_open_to_users = _ask(route, operation, number, _somebody(number), fault)
    is_leak = (is_open and not to_all) or (is_open_to_users and not to_users)
    is_clear = _CLEAR.issuperset((anonymous, grantless))
    view = dotted_path(cls)
    return Finding(
        route.path, operation.method, view, anonymous, grantless, is_leak, is_clear, place_of(cls)
    )


def _ask(
    route: Route, operation: Operation, number: int, user: Any, fault: Fault
) -> tuple[str, bool]:
    request = RequestFactory(SERVER_NAME=conf.own_host()).generic(
        operation.method, GROUP.sub("1", route.path)
    )
    # Addresses for documentation (RFC 3849), a new one for each probe, so that no rate refuses it.
    high, low = divmod(number, 0x10000)
    request.META["REMOTE_ADDR"] = f"2001:db8:{high:x}:{low:x}::1"
    if user is not None:
        force_authenticate(request, user)
    kwargs = dict.fromkeys(GROUP.findall(route.path), "1")
    if "format" in kwargs:
        kwargs["format"] = "json"  # DRF answers 404 to a suffix that it has no renderer for
    try:
        with transaction.atomic(using=DEFAULT_DB_ALIAS):
            with fault():
                response = answer(request, route.callback, kwargs)
            transaction.set_rollback(True, using=DEFAULT_DB_ALIAS)
    except Exception as error:  # noqa: BLE001  # a view that cannot be probed is reported as such
        return type(error).__name__, hasattr(request, _REACHED)
    if hasattr(request, _REACHED):
        return "reached", True
    return str(response.status_code), response.status_code < 400


def answer(request: HttpRequest, callback: Any, kwargs: dict[str, str]) -> Any:
    call = async_to_sync(callback) if iscoroutinefunction(callback) else callback
    if MIDDLEWARE not in settings.MIDDLEWARE:
        return call(request, **kwargs)  # the project does not use our middleware
    middleware = GuardMiddleware(lambda passed: call(passed, **kwargs))
    return middleware.process_view(request, callback, (), kwargs) or middleware(request)


@contextmanager
def _replaced_handlers(cls: Any, operation: Operation) -> Iterator[None]:
    """Replace the handler of `operation` by a harmless answer."""

    def reach(self: Any, request: Any, *args: Any, **kwargs: Any) -> Response:
        del self, args, kwargs
        setattr(request._request, _REACHED, True)
        return Response(status=418)  # no success, of which the object rule would have to know

    async def reach_later(self: Any, request: Any, *args: Any, **kwargs: Any) -> Response:
        return reach(self, request, *args, **kwargs)

    name = operation.action or operation.method.lower()
    names = {name, operation.method.lower()} if operation.method != "OPTIONS" else {"options"}
    if operation.method == "HEAD":
        names.add("get")  # which answers where a class has no head() of its own
    kept = {name: cls.__dict__.get(name) for name in names if hasattr(cls, name)}
    for name in kept:
        is_async = iscoroutinefunction(getattr(cls, name))
        setattr(cls, name, reach_later if is_async else reach)
    try:
        yield
    finally:
        for name, whole in kept.items():
            if whole is None:
                delattr(cls, name)
            else:
                setattr(cls, name, whole)


def _somebody(number: int) -> Any:
    """Return an active user that is not stored and has no grants."""
    user: Any = get_user_model()()
    user.is_active = True
    user.pk = user.pk or -number  # a UUID is made, a number is not
    return user
