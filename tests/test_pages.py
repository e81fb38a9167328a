"""Pages, searches and orders that a client can neither forge nor make too large."""

from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

import pytest
from django.db.models import F
from django.urls import path
from rest_framework import filters, pagination
from rest_framework.generics import ListAPIView

from api_guard import PUBLIC, guard
from api_guard.exceptions import GuardError
from api_guard.filters import OrderingFilter, SearchFilter
from api_guard.pagination import (
    CursorPagination,
    LimitOffsetPagination,
    PageNumberPagination,
)
from tests.hostile.models import Thing
from tests.hostile.views import ThingSerializer


class Numbered(PageNumberPagination):
    page_size_query_param = "size"
    max_page_size = 3


class Offset(LimitOffsetPagination):
    default_limit = 2
    max_limit = 3
    max_offset = 5


class Cursors(CursorPagination):
    page_size = 2
    ordering = ("title", "pk")


class ByCount(CursorPagination):
    page_size = 2
    ordering = "count"


class Things(ListAPIView):
    queryset = Thing.objects.all()
    serializer_class = ThingSerializer
    filter_backends = []


public = guard(read=PUBLIC)


@public
class ByNumber(Things):
    pagination_class = Numbered


@public
class ByOffset(Things):
    pagination_class = Offset


@public
class ByCursor(Things):
    pagination_class = Cursors


@public
class ByOtherCursor(Things):
    pagination_class = ByCount


@public
class Searched(Things):
    filter_backends = [SearchFilter, OrderingFilter]
    search_fields = ["title", "^slug"]
    ordering_fields = ["title", ("count", "How many")]


@public
class Undeclared(Things):
    filter_backends = [OrderingFilter]


@public
class Everything(Things):
    filter_backends = [OrderingFilter]
    ordering_fields = "__all__"


@public
class Pattern(Things):
    filter_backends = [SearchFilter]
    search_fields = ["$title"]


@public
class OtherPattern(Things):
    filter_backends = [SearchFilter]
    search_fields = ["title__iregex"]


urlpatterns = [
    path(view.__name__.lower(), view.as_view())
    for view in (ByNumber, ByOffset, ByCursor, ByOtherCursor, Searched, Undeclared, Everything,
                 Pattern, OtherPattern)
]  # fmt: skip
pytestmark = [pytest.mark.django_db, pytest.mark.urls(__name__)]


@pytest.fixture(autouse=True)
def _things():
    for index, title in enumerate("abcdefg"):
        Thing.objects.create(title=title, slug=title, count=index)


def titles(response):
    data = response.json()
    return "".join(row["title"] for row in (data["results"] if isinstance(data, dict) else data))


@pytest.mark.parametrize(
    ("url", "status", "shown"),
    [
        ("/bynumber?size=2", 200, "ab"),
        ("/bynumber?size=1000", 200, "abc"),
        ("/bynumber?size=9223372036854775808", 200, "abc"),
        ("/bynumber?size=" + "9" * 5000, 200, "abcdefg"),
        ("/bynumber?page=9223372036854775808", 404, ""),
        ("/bynumber?page=" + "9" * 5000, 404, ""),
        ("/byoffset", 200, "ab"),
        ("/byoffset?limit=1000", 200, "abc"),
        ("/byoffset?limit=9223372036854775808&offset=5", 200, "fg"),
        ("/byoffset?offset=6", 404, ""),
        ("/byoffset?offset=9223372036854775808", 404, ""),
    ],
)
def test_a_page_is_as_large_as_the_view_lets_it_be(api, url, status, shown):
    response = api.get(url)
    assert response.status_code == status
    if status == 200:
        assert titles(response) == shown


def test_the_defaults_bound_as_well():
    assert (PageNumberPagination.page_size, PageNumberPagination.max_page_size) == (20, 100)
    assert (LimitOffsetPagination.default_limit, LimitOffsetPagination.max_limit) == (20, 100)
    assert (CursorPagination.page_size, CursorPagination.max_page_size) == (20, 100)


def test_a_cursor_leads_on_and_back(api):
    seen, url = "", "/bycursor"
    while url:
        response = api.get(url).json()
        seen += "".join(row["title"] for row in response["results"])
        url, last = response["next"], response
    assert seen == "abcdefg"
    assert titles(api.get(last["previous"])) == "ef"


def cursor_of(url):
    return parse_qs(urlsplit(url).query)["cursor"][0]


def test_a_cursor_that_was_not_given_out_here_is_not_found(api):
    given = cursor_of(api.get("/bycursor").json()["next"])
    of_another = cursor_of(api.get("/byothercursor").json()["next"])
    forged = ["", "x", "!!!", "é", "cD0x", given[:-1], given[1:], f"{given}A", of_another]
    for text in forged:
        assert api.get("/bycursor", {"cursor": text}).status_code == 404, text
    assert api.get("/bycursor", {"cursor": given}).status_code == 200


def test_a_cursor_of_another_order_is_not_found(api, monkeypatch):
    given = cursor_of(api.get("/bycursor").json()["next"])
    monkeypatch.setattr(Cursors, "ordering", ("count",))
    assert api.get("/bycursor", {"cursor": given}).status_code == 404


def test_a_cursor_at_a_null_leads_on(api):
    Thing.objects.update(count=None)
    given = api.get("/byothercursor").json()["next"]
    assert titles(api.get(given)) == "cd"
    Thing.objects.update(count=1)
    assert titles(api.get(given)) == "cd"


def test_a_cursor_whose_field_has_another_type_since_is_not_found(api, monkeypatch):
    monkeypatch.setattr(Cursors, "ordering", ("key", "pk"))
    monkeypatch.setattr(ByCursor, "queryset", Thing.objects.annotate(key=F("title")))
    given = cursor_of(api.get("/bycursor").json()["next"])
    assert titles(api.get("/bycursor", {"cursor": given})) == "cd"
    monkeypatch.setattr(ByCursor, "queryset", Thing.objects.annotate(key=F("count")))
    assert api.get("/bycursor", {"cursor": given}).status_code == 404


def test_a_bug_of_the_view_is_not_taken_for_a_bad_cursor(api, monkeypatch):
    monkeypatch.setattr(Cursors, "get_ordering", lambda *_: int("none"))
    with pytest.raises(ValueError, match="none"):
        api.get("/bycursor")


@pytest.mark.parametrize(
    ("query", "status", "shown"),
    [
        ("search=a", 200, "a"),
        ("search=A", 200, "a"),
        ("search=(a", 200, ""),
        ("search=" + "+".join("abcdefghijk"), 400, "10 terms"),
        ("search=" + "a" * 201, 400, "200 characters"),
        ("ordering=-title", 200, "gfedcba"),
        ("ordering=-count,title", 200, "gfedcba"),
        ("ordering=slug", 400, "title, count"),
        ("ordering=parent__title", 400, "title, count"),
        ("ordering=" + ",".join(["title"] * 11), 400, "title, count"),
        ("ordering=", 200, "abcdefg"),
    ],
)
def test_a_client_searches_and_orders_by_what_was_declared(api, query, status, shown):
    response = api.get(f"/searched?{query}")
    assert response.status_code == status
    if status == 200:
        assert titles(response) == shown
    else:
        assert shown in str(response.json())


@pytest.mark.parametrize("url", ["/undeclared", "/everything"])
def test_without_a_declaration_nobody_orders(api, url):
    assert api.get(url).status_code == 200
    assert api.get(f"{url}?ordering=title").status_code == 400


@pytest.mark.parametrize("url", ["/pattern", "/otherpattern"])
def test_a_search_by_regular_expressions_is_an_error_of_the_view(api, url):
    with pytest.raises(GuardError, match="Write 'title'"):
        api.get(f"{url}?search=a")


def test_they_stand_in_drf_s_places():
    assert issubclass(SearchFilter, filters.SearchFilter)
    assert issubclass(OrderingFilter, filters.OrderingFilter)
    assert issubclass(CursorPagination, pagination.CursorPagination)
