"""Calls one operation as a user, with the object and the body that it needs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from django.db import DEFAULT_DB_ALIAS, transaction
from django.db.models import Model
from rest_framework.test import APIRequestFactory, force_authenticate

from api_guard import conf
from api_guard.access.endpoints import Endpoint, routes
from api_guard.testing.probes import GROUP, answer


@dataclass(frozen=True)
class Asked:
    """The answer to a question: a status and data, or the name of an exception."""

    status: int | None
    data: object = None
    error: str = ""

    def shows(self, row: Model) -> bool:
        """Whether the data list an object with the primary key of `row`."""
        if self.status is None or self.status >= 400:
            return False
        pk: Any = row._meta.pk
        names = {"pk", "id", str(pk.name)}
        return any(
            str(each.get(name)) == str(row.pk) for each in _rows_of(self.data) for name in names
        )


class Question:
    """One operation of a route."""

    def __init__(self, endpoint: Endpoint, urlconf: str | None = None) -> None:
        self.endpoint = endpoint
        self._view: Any = endpoint.view_class
        self._names = [*GROUP.findall(endpoint.route)]
        self._lookup = getattr(self._view, "lookup_field", "pk")
        self._callback = next(
            route.callback
            for route in routes(urlconf)
            if (route.path, route.view_class) == (endpoint.route, endpoint.view_class)
        )

    def is_about_one(self) -> bool:
        """Whether the route leads to one object."""
        name = getattr(self._view, "lookup_url_kwarg", None) or self._lookup
        return name in self._names

    def ask(self, user: Any, row: Model | None, body: Mapping[str, Any] | None) -> Asked:
        """Call the operation, and undo what it stores if it fails."""
        kwargs = {name: self._value(name, row) for name in self._names}
        path = GROUP.sub("1", self.endpoint.route)
        factory = APIRequestFactory(SERVER_NAME=conf.own_host())
        request: Any = factory.generic(self.endpoint.operation.method, path)
        if body is not None:
            call = getattr(factory, self.endpoint.operation.method.lower())
            request = call(path, dict(body), format="json")
        force_authenticate(request, user)
        try:
            with transaction.atomic(using=DEFAULT_DB_ALIAS):
                response = answer(request, self._callback, kwargs)
        except Exception as error:  # noqa: BLE001  # a view that fails is reported as such
            return Asked(None, error=type(error).__name__)
        return Asked(response.status_code, getattr(response, "data", None))

    def body_of(self, user: Any, row: Model) -> dict[str, Any] | None:
        """Return what the view's serializer writes of an object, as the body of a change."""
        if self.endpoint.operation.method not in ("POST", "PUT", "PATCH"):
            return None
        view = self._view()
        request: Any = APIRequestFactory(SERVER_NAME=conf.own_host()).get("/")
        force_authenticate(request, user)
        try:
            view.kwargs, view.args, view.format_kwarg = {}, (), None
            view.action_map = {"get": self.endpoint.operation.action}
            view.request = view.initialize_request(request)
            view.action = self.endpoint.operation.action
            serializer = view.get_serializer(row)
            writable = {name for name, each in serializer.fields.items() if not each.read_only}
            return {name: value for name, value in serializer.data.items() if name in writable}
        except Exception:  # noqa: BLE001  # a view without a serializer gets an empty body
            return {}

    def _value(self, name: str, row: Model | None) -> str:
        if name == "format":
            return "json"
        own = getattr(self._view, "lookup_url_kwarg", None) or self._lookup
        found: Any = row
        for part in (self._lookup if name == own else name.removesuffix("_pk")).split("__"):
            found = getattr(found, part, None)
        return str(getattr(found, "pk", found))


def _rows_of(data: object) -> Iterator[Mapping[str, Any]]:
    """Yield the rows of a list, or of the lists in a page. What is nested in a row is no row."""
    lists = data.values() if isinstance(data, Mapping) else [data]
    for rows in lists:
        if isinstance(rows, (list, tuple)):
            yield from (row for row in rows if isinstance(row, Mapping))
