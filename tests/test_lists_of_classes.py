"""Lists of classes: what DRF can go through, and what it cannot."""

from __future__ import annotations

import functools
from types import ModuleType

import pytest
from django.core.checks import run_checks
from django.core.management import call_command
from django.test import Client, override_settings
from django.urls import path
from rest_framework import authentication, filters, generics, parsers, permissions, renderers
from rest_framework.decorators import api_view, permission_classes
from rest_framework.schemas import get_schema_view
from rest_framework.serializers import Serializer

from api_guard import guard
from api_guard.access.endpoints import LISTS
from api_guard.adoption.setting_lines import missing_lines
from api_guard.authentication import OAuth2Authentication
from api_guard.checks.authentication import check_authentication
from api_guard.checks.listed import check_lists
from api_guard.checks.validation import check_renderers
from tests.models import Note

WRONG = {
    "authentication_classes": authentication.SessionAuthentication,
    "permission_classes": permissions.IsAuthenticated,
    "parser_classes": "JSONParser",
    "renderer_classes": iter([renderers.JSONRenderer]),
    "throttle_classes": None,
    "filter_backends": filters.SearchFilter,
}

pytestmark = pytest.mark.urls(__name__)


class Notes(generics.ListAPIView):
    queryset = Note.objects.all()
    serializer_class = Serializer


def view(name, value, *, is_guarded):
    cls = type(f"{name.title()}{is_guarded}", (Notes,), {name: value})
    return (guard(read="notes:read")(cls) if is_guarded else cls).as_view()


@api_view(["GET"])
@permission_classes(permissions.IsAuthenticated)
def shown(request):
    raise NotImplementedError


class Placeholder(Notes):
    """Its class says None, as DRF's own view of a schema does, and each instance has a list."""

    renderer_classes = permission_classes = None

    def __init__(self, **initkwargs):
        super().__init__(**initkwargs)
        self.renderer_classes = self.renderer_classes or [renderers.JSONRenderer]

    def get_permissions(self):
        return [permissions.AllowAny()]


class Asking(Notes):
    permission_classes = permissions.IsAuthenticated

    def get_permissions(self):
        return [*super().get_permissions(), permissions.IsAdminUser()]


class Failing(Notes):
    permission_classes = permissions.IsAuthenticated

    def __init__(self, **initkwargs):
        raise RuntimeError


def ids(found):
    return [each.id for each in found]


urlpatterns = [
    path(f"{name}/{is_guarded}", view(name, value, is_guarded=is_guarded))
    for name, value in WRONG.items()
    for is_guarded in (False, True)
]
urlpatterns += [
    path("shown", shown),
    path("schema", get_schema_view(title="Notes")),
    path("placeholder", Placeholder.as_view()),
    path("placeholder/guarded", guard(read="notes:read")(Placeholder).as_view()),
    path("asking", Asking.as_view()),
    path("failing", Failing.as_view()),
]


@pytest.mark.parametrize(
    ("name", "named", "line"),
    [
        (
            "authentication_classes",
            "the class SessionAuthentication",
            "authentication_classes = [SessionAuthentication]",
        ),
        (
            "permission_classes",
            "the class IsAuthenticated",
            "permission_classes = [IsAuthenticated]",
        ),
        ("parser_classes", "'JSONParser'", "parser_classes = [...]"),
        ("renderer_classes", "a list_iterator", "renderer_classes = [...]"),
        ("throttle_classes", "None", "throttle_classes = [...]"),
        ("filter_backends", "the class SearchFilter", "filter_backends = [SearchFilter]"),
    ],
)
def test_what_is_no_list_is_an_error_with_the_line_to_write(name, named, line):
    start = f"{__name__}.{name.title()}"
    found = [each for each in check_lists() if each.msg.startswith(start)]
    assert [each.msg.split(" is ", 1)[1] for each in found] == [
        f"{named} and not a list: every request fails with an error."
    ] * 2
    assert {(each.hint, each.id) for each in found} == {(line, "api_guard.E090")}


def test_the_line_above_a_function_is_its_decorator():
    [found] = [each for each in check_lists() if each.msg.startswith(f"{__name__}.shown.")]
    assert "is the class IsAuthenticated and not a list" in found.msg
    assert found.hint == "@permission_classes([IsAuthenticated])"


def test_a_list_that_each_instance_has_is_no_error():
    views = {each.msg.split(" is ", 1)[0].split(".")[-2] for each in check_lists()}
    assert views.isdisjoint({"SchemaView", "Placeholder"})


@pytest.mark.parametrize("view", ["Asking", "Failing"])
def test_what_an_override_passes_on_is_still_an_error(view):
    found = [each.msg for each in check_lists() if f".{view}." in each.msg]
    assert found == [
        f"{__name__}.{view}.permission_classes is the class IsAuthenticated and not a list: "
        "every request fails with an error."
    ]


@pytest.mark.django_db  # Django 6.1 asks SQLite whether it has JSON
def test_every_check_and_command_reads_past_what_is_no_list(capsys):
    run_checks()
    call_command("guard_endpoints")
    assert f"{__name__}.Permission_ClassesTrue" in capsys.readouterr().out
    call_command("guard_init")


@pytest.mark.django_db
@pytest.mark.parametrize("name", WRONG)
def test_what_is_no_list_opens_no_view_without_a_guard(name):
    answer = Client(raise_request_exception=False).get(f"/{name}/False")
    assert (answer.status_code, answer.json()["code"]) == (403, "undeclared_endpoint")


@pytest.mark.django_db
@pytest.mark.parametrize("name", LISTS)
def test_a_setting_that_is_no_list_is_one_error(name):
    setting = f"DEFAULT_{name.upper()}"
    path = "rest_framework.permissions.AllowAny"
    with override_settings(REST_FRAMEWORK={setting: path}, ROOT_URLCONF="tests.urls"):
        [found] = [each for each in run_checks() if each.id == "api_guard.E090"]
    assert found.msg.startswith(f"REST_FRAMEWORK['{setting}'] is the class AllowAny and not")
    assert found.hint == f'REST_FRAMEWORK = {{"{setting}": ["{path}"], ...}}'


def made():
    return OAuth2Authentication()


made_in_part = functools.partial(OAuth2Authentication)
json_in_part = functools.partial(parsers.JSONParser)
rendered_in_part = functools.partial(renderers.BrowsableAPIRenderer)


@pytest.mark.parametrize("factory", ["made", "made_in_part"])
def test_an_authenticator_that_is_made_by_a_function_is_not_missed(factory):
    with override_settings(
        REST_FRAMEWORK={"DEFAULT_AUTHENTICATION_CLASSES": [f"{__name__}.{factory}"]}
    ):
        assert "api_guard.E023" not in ids(check_authentication())
        lines = missing_lines(ModuleType("none"), {}, {}, with_oauth2=True)
    assert not any("DEFAULT_AUTHENTICATION_CLASSES" in line for line in lines)


def test_a_class_in_a_partial_is_judged_and_the_list_is_not_written_without_it():
    with override_settings(
        DEBUG=False,
        REST_FRAMEWORK={
            "DEFAULT_PARSER_CLASSES": [f"{__name__}.json_in_part"],
            "DEFAULT_RENDERER_CLASSES": [f"{__name__}.rendered_in_part"],
        },
    ):
        assert ids(check_renderers()) == ["api_guard.W022"]
        lines = missing_lines(ModuleType("none"), {}, {}, with_oauth2=True)
    assert not any("PARSER" in line or "RENDERER" in line for line in lines)
