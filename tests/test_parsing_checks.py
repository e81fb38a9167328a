"""The checks of what reads a request and writes its answer."""

from __future__ import annotations

import sys

import pytest
from django.core.wsgi import get_wsgi_application
from django.urls import path
from rest_framework import filters, pagination, parsers, renderers
from rest_framework.generics import ListCreateAPIView
from rest_framework.views import APIView

from api_guard import PUBLIC, checks, guard, wsgi
from tests.hostile.models import Thing

public = guard(read=PUBLIC, write=PUBLIC)
stock_application = get_wsgi_application()
guarded_application = wsgi.get_wsgi_application()


@public
class Good(ListCreateAPIView):
    queryset = Thing.objects.all()


class OwnCursors(pagination.CursorPagination):
    def decode_cursor(self, request):
        raise NotImplementedError


class Sized(pagination.PageNumberPagination):
    page_size_query_param = "size"


@pytest.fixture
def routed(settings):
    def route(**attributes):
        module = type(sys)("tests.routed_parsing")
        view = public(type("Odd", (ListCreateAPIView,), {"__module__": __name__, **attributes}))
        module.urlpatterns = [
            path("good", Good.as_view()),
            path("odd", view.as_view()),
            path("other", APIView.as_view()),
        ]
        sys.modules["tests.routed_parsing"] = module
        settings.ROOT_URLCONF = "tests.routed_parsing"

    return route


def said(messages):
    return [f"{message.id.partition('.')[2]}: {message.msg} {message.hint}" for message in messages]


@pytest.mark.parametrize(
    ("attributes", "code", "line"),
    [
        ({}, None, None),
        (
            {"parser_classes": [parsers.JSONParser, parsers.FileUploadParser]},
            "W070",
            'parser_classes = ["api_guard.parsers.JSONParser", '
            '"rest_framework.parsers.FileUploadParser"]',
        ),
        (
            {"renderer_classes": [renderers.JSONRenderer]},
            "W071",
            'renderer_classes = ["api_guard.renderers.JSONRenderer"]',
        ),
    ],
)
def test_a_stock_parser_or_renderer_of_a_view_is_named(routed, attributes, code, line):
    routed(**attributes)
    messages = said(checks.check_bounded_parsers())
    assert bool(messages) is (code is not None)
    assert all(message.startswith(code) and line in message for message in messages)


def test_a_stock_default_is_named_once_with_the_line_to_write(routed, monkeypatch):
    monkeypatch.setattr("rest_framework.settings.api_settings.DEFAULT_PARSER_CLASSES",
                        [parsers.JSONParser], raising=False)  # fmt: skip
    routed(parser_classes=[parsers.JSONParser])
    [message] = said(checks.check_bounded_parsers())
    line = 'REST_FRAMEWORK = {"DEFAULT_PARSER_CLASSES": ["api_guard.parsers.JSONParser"], ...}'
    assert line in message


@pytest.mark.parametrize(
    ("paginator", "flaw"),
    [
        (None, None),
        (OwnCursors, None),
        (pagination.PageNumberPagination, None),
        (Sized, "max_page_size"),
        (pagination.LimitOffsetPagination, "max_limit"),
        (pagination.CursorPagination, "CursorPagination"),
    ],
)
def test_a_paginator_without_bounds_is_named(routed, paginator, flaw):
    routed(pagination_class=paginator)
    messages = said(checks.check_pages())
    assert bool(messages) is (flaw is not None)
    assert all(flaw in message and "W073" in message for message in messages)


@pytest.mark.parametrize(
    ("attributes", "flaw"),
    [
        ({"search_fields": ["$title"]}, None),
        ({"filter_backends": [filters.SearchFilter], "search_fields": ["title"]}, None),
        ({"filter_backends": [filters.SearchFilter], "search_fields": ["$title"]}, "'title'"),
        ({"filter_backends": [filters.SearchFilter], "search_fields": ["a__iregex"]}, "'a'"),
        ({"filter_backends": [filters.OrderingFilter]}, "ordering_fields"),
        (
            {"filter_backends": [filters.OrderingFilter], "ordering_fields": "__all__"},
            "ordering_fields",
        ),
        ({"filter_backends": [filters.OrderingFilter], "ordering_fields": ["title"]}, None),
    ],
)
def test_a_filter_that_lets_clients_do_too_much_is_named(routed, attributes, flaw):
    routed(**attributes)
    messages = said(checks.check_filters())
    assert bool(messages) is (flaw is not None)
    assert all(flaw in message and "W074" in message for message in messages)


def test_a_limit_above_django_s_own_is_named(routed, settings):
    routed()
    assert checks.check_limits() == []
    settings.API_GUARD = {**settings.API_GUARD, "LIMITS": {"bytes": 3_000_000}}
    assert "DATA_UPLOAD_MAX_MEMORY_SIZE = 3000000" in said(checks.check_limits())[0]
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = None
    assert checks.check_limits() == []


@pytest.mark.parametrize(
    ("path", "is_good"),
    [
        (None, True),
        (f"{__name__}.guarded_application", True),
        (f"{__name__}.stock_application", False),
        ("nowhere.application", False),
    ],
)
def test_the_server_s_door_is_the_guard_s(settings, path, is_good):
    settings.WSGI_APPLICATION = path
    messages = said(checks.check_servers())
    assert bool(messages) is not is_good
    assert all("from api_guard.wsgi import get_wsgi_application" in each for each in messages)
