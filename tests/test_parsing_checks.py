"""The checks of what reads a request and writes its answer."""

from __future__ import annotations

import sys

import pytest
from django.core.wsgi import get_wsgi_application
from django.urls import path
from rest_framework import filters, pagination, parsers, renderers
from rest_framework.decorators import api_view, parser_classes
from rest_framework.exceptions import NotFound, ValidationError
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


class SizedCursors(OwnCursors):
    page_size_query_param = "size"


class Capped(pagination.LimitOffsetPagination):
    def get_limit(self, request):
        return min(super().get_limit(request) or 10, 100)


class CappedSize(Sized):
    def get_page_size(self, request):
        return min(int(request.query_params.get("size", 10)), 100)


class Refusing(pagination.LimitOffsetPagination):
    def get_limit(self, request):
        limit = super().get_limit(request)
        if limit is not None and limit > 100:
            raise ValidationError({"limit": "At most 100."})
        return limit


class CappedInside(pagination.LimitOffsetPagination):
    def paginate_queryset(self, queryset, request, view=None):
        return super().paginate_queryset(queryset[:100], request, view)


class RefusingInside(pagination.LimitOffsetPagination):
    def paginate_queryset(self, queryset, request, view=None):
        if self.get_limit(request) > 100:
            raise NotFound
        return super().paginate_queryset(queryset, request, view)


class Fixed(pagination.LimitOffsetPagination):
    limit_query_param = None
    default_limit = 20


class Doubled(pagination.LimitOffsetPagination):
    def get_limit(self, request):
        return 2 * super().get_limit(request)


class Ordered(pagination.LimitOffsetPagination):
    def paginate_queryset(self, queryset, request, view=None):
        return super().paginate_queryset(queryset.order_by("pk"), request, view)


class Logged(pagination.LimitOffsetPagination):
    def paginate_queryset(self, queryset, request, view=None):
        return super().paginate_queryset(queryset, request, view)


class CamelCase(parsers.JSONParser):
    pass


class Xml(parsers.BaseParser):
    media_type = "application/xml"


class OwnOrdering(filters.OrderingFilter):
    def get_valid_fields(self, queryset, view, context=None):
        return [("title", "Title")]


class Csv(renderers.BaseRenderer):
    media_type = "text/csv"
    format = "csv"


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
            {"parser_classes": [parsers.JSONParser]},
            "W070",
            "parser_classes = [JSONParser]  # from api_guard.parsers import JSONParser",
        ),
        (
            {"renderer_classes": [renderers.JSONRenderer]},
            "W071",
            "renderer_classes = [JSONRenderer]  # from api_guard.renderers import JSONRenderer",
        ),
    ],
)
def test_a_stock_parser_or_renderer_of_a_view_is_named(routed, attributes, code, line):
    routed(**attributes)
    messages = said(checks.check_bounded_parsers())
    assert bool(messages) is (code is not None)
    assert all(message.startswith(code) and line in message for message in messages)


@public
@api_view(["POST"])
@parser_classes([parsers.FormParser, parsers.JSONParser])
def posted(request):
    raise NotImplementedError


urlpatterns = [path("posted", posted)]


@pytest.mark.urls(__name__)
def test_the_line_above_a_function_is_its_decorator():
    hint = "@parser_classes([FormParser, JSONParser])  # from api_guard.parsers import"
    assert {each.hint for each in checks.check_bounded_parsers()} == {
        f"{hint} FormParser, JSONParser"
    }


@pytest.mark.parametrize(
    ("parser", "hint"),
    [
        (
            CamelCase,
            "Derive it from api_guard.parsers.JSONParser. If it belongs to another package, list a "
            "class of your own: class Parser("
            f"{__name__}.CamelCase, api_guard.parsers.JSONParser): ...",
        ),
        (parsers.FileUploadParser, "Use a parser of api_guard.parsers instead"),
        (Xml, "limit what this one reads and silence api_guard.W070"),
    ],
)
def test_the_hint_does_not_repeat_the_parser_that_it_is_about(routed, parser, hint):
    routed(parser_classes=[parser, parsers.JSONParser])
    own, stock = checks.check_bounded_parsers()
    assert parser.__name__ in own.msg
    assert hint in own.hint
    assert not own.hint.startswith(f"Derive it from {parser.__name__}")
    line = f"parser_classes = [{parser.__name__}, JSONParser]"
    assert stock.hint == f"{line}  # from api_guard.parsers import JSONParser"


@pytest.mark.parametrize(
    ("classes", "kept"),
    [
        ([renderers.JSONRenderer, renderers.BrowsableAPIRenderer], ""),
        ([renderers.JSONRenderer, renderers.AdminRenderer, Csv], f', "{__name__}.Csv"'),
    ],
)
def test_two_checks_of_renderers_propose_one_line(routed, monkeypatch, settings, classes, kept):
    monkeypatch.setattr(
        "rest_framework.settings.api_settings.DEFAULT_RENDERER_CLASSES", classes, raising=False
    )
    routed(renderer_classes=classes)
    line = f'"DEFAULT_RENDERER_CLASSES": ["api_guard.renderers.JSONRenderer"{kept}], ...'
    [browsable], [stock] = checks.check_renderers(), checks.check_bounded_parsers()
    assert (browsable.id, stock.id) == ("api_guard.W022", "api_guard.W071")
    assert line in browsable.hint
    assert line in stock.hint


def test_the_browsable_api_alone_leaves_json(monkeypatch):
    monkeypatch.setattr(
        "rest_framework.settings.api_settings.DEFAULT_RENDERER_CLASSES",
        [renderers.BrowsableAPIRenderer],
        raising=False,
    )
    assert '["api_guard.renderers.JSONRenderer"]' in checks.check_renderers()[0].hint


def test_the_browsable_api_stays_in_development(routed, settings):
    settings.DEBUG = True
    routed(renderer_classes=[renderers.JSONRenderer, renderers.BrowsableAPIRenderer])
    [message] = checks.check_bounded_parsers()
    assert message.hint == (
        "renderer_classes = [JSONRenderer, BrowsableAPIRenderer]"
        "  # from api_guard.renderers import JSONRenderer"
    )
    assert checks.check_renderers() == []


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
        (SizedCursors, "max_page_size"),
        (Capped, None),
        (CappedSize, None),
        (Refusing, None),
        (CappedInside, None),
        (RefusingInside, None),
        (Fixed, None),
        (Doubled, "max_limit"),
        (Ordered, "max_limit"),
        (Logged, "max_limit"),
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
        ({"filter_backends": [OwnOrdering]}, None),
    ],
)
def test_a_filter_that_lets_clients_do_too_much_is_named(routed, attributes, flaw):
    routed(**attributes)
    messages = said(checks.check_filters())
    assert bool(messages) is (flaw is not None)
    assert all(flaw in message and "W074" in message for message in messages)


def test_views_with_one_flaw_are_one_message(settings):
    loose = {
        "parser_classes": [parsers.JSONParser],
        "filter_backends": [filters.OrderingFilter],
        "__module__": __name__,
    }
    module = type(sys)("tests.routed_parsing")
    module.urlpatterns = [
        path(name, public(type(name, (ListCreateAPIView,), loose)).as_view())
        for name in ("One", "Two")
    ]
    sys.modules["tests.routed_parsing"] = module
    settings.ROOT_URLCONF = "tests.routed_parsing"
    [parsing] = checks.check_bounded_parsers()
    assert parsing.msg == (
        "parser_classes of 2 views has rest_framework.parsers.JSONParser, which has no limits of "
        f"depth or numbers.\n    {__name__}: One, Two"
    )
    [ordering] = checks.check_filters()
    assert ordering.msg == (
        f"2 views do not declare by which fields a client may order.\n    {__name__}: One, Two"
    )


def test_the_fix_of_several_views_takes_no_class_from_one_of_them(settings):
    module = type(sys)("tests.routed_parsing")
    lists = {
        "One": [parsers.JSONParser],
        "Two": [parsers.MultiPartParser, parsers.JSONParser],
        "Three": [parsers.MultiPartParser],
    }
    module.urlpatterns = [
        path(
            name,
            public(
                type(
                    name,
                    (APIView,),
                    {
                        "parser_classes": of_view,
                        "renderer_classes": [*shown, renderers.JSONRenderer],
                    },
                )
            ).as_view(),
        )
        for (name, of_view), shown in zip(lists.items(), ([], [Csv], []), strict=True)
    ]
    sys.modules["tests.routed_parsing"] = module
    settings.ROOT_URLCONF = "tests.routed_parsing"
    assert [message.hint for message in checks.check_bounded_parsers()] == [
        f"Write api_guard.{ours} in its place, imported."
        for ours in ("parsers.JSONParser", "renderers.JSONRenderer", "parsers.MultiPartParser")
    ]


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
