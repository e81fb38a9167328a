"""Checks of pagination."""

from __future__ import annotations

from typing import Any

from django.core import checks
from django.core.checks import CheckMessage
from django.http import HttpRequest, QueryDict
from rest_framework import pagination
from rest_framework.exceptions import APIException
from rest_framework.request import Request

from api_guard.access.endpoints import dotted_path, initkwarg, policy_of, routes

# The method that returns the page size, the attribute with the client's parameter, and the limit.
_SIZES = (
    (pagination.LimitOffsetPagination, "get_limit", "limit_query_param", "max_limit"),
    (pagination.PageNumberPagination, "get_page_size", "page_size_query_param", "max_page_size"),
    (pagination.CursorPagination, "get_page_size", "page_size_query_param", "max_page_size"),
)
_MANY = 1_000_000_000
_ROWS = range(100_000)


def check_pages(app_configs: object = None, **_: object) -> list[CheckMessage]:
    """W073: pages have a largest size, and no client can forge a cursor."""
    del app_configs
    found: dict[type, str] = {}
    for route in routes():
        if policy_of(route.view_class) is None:
            continue
        paginator = initkwarg(route.callback, route.view_class or object, "pagination_class")
        flaw = _flaw_of(paginator) if isinstance(paginator, type) else None
        if flaw is not None:
            found.setdefault(paginator, flaw)
    return [
        checks.Warning(
            f"{dotted_path(cls)} {flaw}.",
            hint=_bounded(cls),
            id="api_guard.W073",
        )
        for cls, flaw in found.items()
    ]


def _flaw_of(paginator: Any) -> str | None:
    for base, size, parameter, bound in _SIZES:
        if issubclass(paginator, base) and _is_unbounded(paginator, size, parameter):
            return f"has no {bound}: a client can ask for every row at once"
    is_cursor = issubclass(paginator, pagination.CursorPagination)
    if is_cursor and paginator.decode_cursor is pagination.CursorPagination.decode_cursor:
        return "accepts cursors that a client wrote, and fails on some of them"
    return None


def _is_unbounded(paginator: Any, size: str, parameter: str) -> bool:
    """Whether a client gets a page as large as it asks for; try it."""
    name = getattr(paginator, parameter, None)
    http = HttpRequest()
    http.GET = QueryDict(f"{name}={_MANY}")
    try:
        if not name or getattr(paginator(), size)(Request(http)) < _MANY:
            return False
    except Exception:  # noqa: BLE001  # it refuses, or needs a real request
        return False
    if paginator.paginate_queryset.__module__.startswith("rest_framework."):
        return True
    try:
        # A project's own class may limit the page here and not in get_limit().
        return len(paginator().paginate_queryset(_ROWS, Request(http))) >= len(_ROWS)
    except Exception as error:  # noqa: BLE001  # it may need a queryset
        return not isinstance(error, APIException)


def _bounded(paginator: type) -> str:
    bases = (base for base in paginator.__mro__ if base.__module__ == pagination.__name__)
    base = next(bases)
    ours = f"api_guard.pagination.{base.__name__}"
    return f"Use {ours} instead." if base is paginator else f"Derive it from {ours}."
