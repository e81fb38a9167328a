"""What a route says of the objects behind it, and which exemptions are for something."""

from __future__ import annotations

import functools
import sys

import pytest
from django.http import HttpResponse
from django.urls import path, re_path, register_converter
from django.urls.converters import StringConverter
from django.views import View
from rest_framework.permissions import AllowAny
from rest_framework.response import Response
from rest_framework.views import APIView

from api_guard import ANY_OBJECT, PUBLIC, checks, guard
from tests.models import Note

register_converter(StringConverter, "hashid")


class Plain(APIView):
    permission_classes = [AllowAny]

    def get(self, request, *args, **kwargs):
        return Response()


silent = guard(read="notes:read")(Plain).as_view()
ruled = guard(read="notes:read", owner="author")(Plain).as_view()
everybodys = guard(read="notes:read", objects=ANY_OBJECT)(Plain).as_view()


@pytest.fixture
def routed(settings):
    def route(*patterns):
        module = type(sys)("tests.routed_objects")
        module.urlpatterns = list(patterns)
        sys.modules["tests.routed_objects"] = module
        settings.ROOT_URLCONF = "tests.routed_objects"

    return route


# W018


NAMES_ONE = [
    path("users/<int:user_id>/", silent),
    path("users/<int:userId>/", silent),
    path("users/<int:pk>/", silent),
    path("users/<pk>/", silent),
    path("users/<str:user_pk>/notes/", silent),
    path("notes/<int:note>/", silent),
    path("notes/<note>/", silent),
    path("notes/<str:noteid>/", silent),
    path("notes/<int:author>/", silent),
    path("notes/<uuid:note>/", silent),
    path("notes/<uuid:anything>/", silent),
    path("notes/<slug:slug>/", silent),
    path("notes/<slug:topic>/", silent),
    path("notes/<hashid:note>/", silent),
    path("users/<str:username>/", silent),
    path("notes/<int:year>/<slug:slug>/", silent),
    path("<str:version>/notes/<int:page_id>/", silent),
    re_path(r"^users/(?P<user_id>[0-9]+)/$", silent),
    re_path(r"^notes/(?P<note_uuid>[0-9a-f-]+)/$", silent),
    re_path(r"^users/(\d+)/$", silent),
    re_path(r"^users/([0-9]+)/$", silent),
]
NAMES_NONE = [
    path("archive/<int:year>/<int:month>/<int:day>/", silent),
    path("notes/page/<int:page>/", silent),
    path("notes/<int:page_number>/", silent),
    path("<str:version>/notes/", silent),
    path("<slug:lang>/notes/", silent),
    path("<slug:locale>/notes/", silent),
    path("notes.<format>", silent),
    path("tiles/<int:z>/<int:x>/<int:y>/", silent),
    path("top/<int:limit>/", silent),
    path("rates/<str:currency>/", silent),
    path("login/<slug:provider>/", silent),
    path("files/<path:path>", silent),
    path("invitations/<uuid:token>/", silent),
    path("reset/<uidb64>/<token>/", silent),
    path("notes/", silent),
    re_path(r"^archive/(?P<year>[0-9]{4})/$", silent),
    re_path(r"^archive/([0-9]{4})/$", silent),
    re_path(r"^pages/([0-9]+)/$", silent),
    re_path(r"^notes\.(?P<format>[a-z0-9]+)/?$", silent),
    path("users/<int:user_id>/", ruled),
    path("users/<int:user_id>/", everybodys),
    path("users/<int:user_id>/", Plain.as_view()),
]


@pytest.mark.parametrize("pattern", NAMES_ONE, ids=lambda pattern: str(pattern.pattern))
def test_a_route_that_names_one_object_asks_for_an_object_rule(routed, pattern):
    routed(pattern)
    [message] = checks.check_detail_routes()
    assert message.id == "api_guard.W018"
    assert f"{__name__}.Plain" in message.msg
    assert "objects=ANY_OBJECT" in message.hint


def test_views_without_an_object_rule_are_one_message(routed):
    other = guard(read="notes:read")(type("Other", (Plain,), {"__module__": __name__}))
    routed(path("notes/<int:pk>/", silent), path("cards/<int:pk>/", other.as_view()))
    [message] = checks.check_detail_routes()
    assert message.msg.startswith("2 views lead to single objects, and their guards have no")
    assert message.msg.endswith(f"\n    {__name__}: Plain[guarded], Other")


@pytest.mark.parametrize("pattern", NAMES_NONE, ids=lambda pattern: str(pattern.pattern))
def test_a_route_that_names_none_or_has_a_rule_raises_no_alarm(routed, pattern):
    routed(pattern)
    assert checks.check_detail_routes() == []


def test_a_view_is_named_once(routed):
    routed(path("a/<int:pk>", silent), path("b/<int:pk>", silent))
    assert len(checks.check_detail_routes()) == 1


# W029


class Listed(Plain):
    queryset = Note.objects.all()


@pytest.mark.parametrize(
    ("said", "is_named"),
    [
        ({"objects": ANY_OBJECT}, False),
        ({"objects": {"read": ANY_OBJECT}}, False),
        ({"owner": "author"}, True),
        ({"objects": lambda caller: None}, True),
        ({"owner": {"write": "author"}, "objects": {"read": ANY_OBJECT}}, True),
    ],
)
def test_a_rule_that_keeps_nothing_back_needs_no_model(routed, said, is_named):
    decorate = guard(read=PUBLIC, **said)
    routed(path("plain", decorate(Plain).as_view()), path("listed", decorate(Listed).as_view()))
    found = checks.check_subjects()
    assert [message.id for message in found] == ["api_guard.W029"] * is_named
    assert all(f"{__name__}.Plain" in message.msg for message in found)


# W024


def plain(request):
    return HttpResponse()


class PlainClass(View):
    pass


def hidden(function):
    def inner(request):
        return function(request)

    return inner


@hidden
def replaced(request):
    return HttpResponse()


inner_view = Plain.as_view()


def dispatcher(view=inner_view):
    def inner(request):
        return view(request)

    return inner


@pytest.mark.parametrize(
    "name", ["plain", "PlainClass", "replaced", "Plain", "decorated", "partial", ""]
)
def test_an_exemption_for_anything_that_is_routed_is_for_something(routed, settings, name):
    decorated = functools.wraps(plain)(hidden(plain))
    routes = {
        "plain": plain,
        "PlainClass": PlainClass.as_view(),
        "replaced": replaced,
        "Plain": dispatcher(),
        "decorated": decorated,
        "partial": functools.partial(plain),
        "": plain,
    }
    routed(path("view", routes[name]))
    exempt = {"decorated": "plain", "partial": "plain"}.get(name, name)
    settings.API_GUARD = {
        **settings.API_GUARD,
        "EXEMPT": {f"{__name__}.{exempt}".rstrip("."): "tested"},
    }
    assert checks.check_exemptions() == []


@pytest.mark.parametrize("name", ["plain", "PlainClass", "Plain", "nowhere"])
def test_an_exemption_for_nothing_is_named(routed, settings, name):
    routed(path("view", everybodys))
    exempt = {f"{__name__}.{name}": "tested"}
    settings.API_GUARD = {**settings.API_GUARD, "EXEMPT": exempt}
    assert [message.id for message in checks.check_exemptions()] == ["api_guard.W024"]
