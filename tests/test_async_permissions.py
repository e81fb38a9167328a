"""The permissions, throttles and authenticators of adrf may be coroutines."""

from __future__ import annotations

import asyncio
import sys

import pytest
from adrf.decorators import api_view
from adrf.generics import RetrieveAPIView
from adrf.permissions import AsyncBasePermission
from adrf.views import APIView
from asgiref.sync import async_to_sync
from django.test import AsyncClient
from django.urls import path
from rest_framework import permissions, serializers
from rest_framework import views as drf
from rest_framework.authentication import BaseAuthentication
from rest_framework.decorators import permission_classes
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.response import Response
from rest_framework.throttling import BaseThrottle

from api_guard import PUBLIC, checks, guard
from api_guard.permissions import HasScopes
from tests.models import Note

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.urls(__name__)]
public = guard(read=PUBLIC, write=PUBLIC)


class Says(AsyncBasePermission):
    """Answers what the request says, and counts the times it was asked."""

    async def has_permission(self, request, view):
        await asyncio.sleep(0)
        return ANSWERS[request.headers["X-Say"]]()

    async def has_object_permission(self, request, view, obj):
        return ANSWERS[request.headers["X-Say-Of-Object"]]()


class SaysInDRFsWay(permissions.BasePermission):
    has_permission = Says.has_permission


class ReturnsACoroutine(permissions.BasePermission):
    """Is no coroutine function, so that nobody awaits what it returns."""

    def has_permission(self, request, view):
        return Says().has_permission(request, view)


def cancelled():
    raise asyncio.CancelledError


def broken():
    raise ZeroDivisionError


ANSWERS = {
    "yes": lambda: True,
    "no": lambda: False,
    "one": lambda: 1,
    "none": lambda: None,
    "text": lambda: "yes",
    "cancelled": cancelled,
    "broken": broken,
}
ROUTES = []


def view(permission, base=APIView, guarded=public):
    """Route a view of this permission."""

    async def get(self, request):
        return Response("in")

    names = {"__module__": __name__, "permission_classes": [permission], "get": get}
    cls = type(f"View{len(ROUTES)}", (base,), names)
    ROUTES.append(path(f"{len(ROUTES)}/", guarded(cls).as_view()))
    return f"/{len(ROUTES) - 1}/"


SINGLE = view(Says)
IN_DRFS_WAY = view(SaysInDRFsWay)
AND = view(Says & permissions.IsAuthenticated)
DRFS_AND = view(permissions.AllowAny & SaysInDRFsWay)
OR = view(permissions.IsAuthenticated | Says)
NOT = view(~Says)
NOT_NOT = view(~~Says)
NOT_OF_OR = view(~(Says | permissions.IsAuthenticated))
NOT_AWAITED = view(ReturnsACoroutine)
WITH_SCOPES = view(Says & HasScopes("notes:read"), guarded=lambda cls: cls)


class Throttle(BaseThrottle):
    async def allow_request(self, request, view):
        return "X-Slow" not in request.headers

    def wait(self):
        return 7


class ByHeader(BaseAuthentication):
    async def authenticate(self, request):
        name = request.headers.get("X-User")
        if name == "nobody":
            raise AuthenticationFailed("nobody")
        from django.contrib.auth import get_user_model

        users = get_user_model().objects.filter(username=name)
        return (await users.aget(), None) if name else None

    def authenticate_header(self, request):
        return "Header"


@public
class Other(APIView):
    authentication_classes = [ByHeader]
    permission_classes = [permissions.IsAuthenticated]
    throttle_classes = [Throttle]

    async def get(self, request):
        return Response(request.user.username)


@public
@api_view(["GET"])
@permission_classes([Says])
async def function(request):
    return Response("in")


@public
class OneNote(RetrieveAPIView):
    queryset = Note.objects.all()
    permission_classes = [Says]
    serializer_class = type(
        "NoteSerializer",
        (serializers.ModelSerializer,),
        {"Meta": type("Meta", (), {"model": Note, "fields": ["title"]})},
    )


class Plain(drf.APIView):
    permission_classes = [Says]

    def get(self, request):
        raise NotImplementedError


urlpatterns = [
    *ROUTES,
    path("other/", Other.as_view()),
    path("function/", function),
    path("note/<int:pk>/", OneNote.as_view()),
    path("plain/", public(Plain).as_view()),
]


@pytest.fixture
def ask():
    client = AsyncClient()

    def ask(where, *, user=None, **headers):
        if user is not None:
            client.force_login(user, "django.contrib.auth.backends.ModelBackend")
        fields = {name.replace("_", "-"): value for name, value in headers.items()}
        return async_to_sync(client.get)(where, headers=fields)

    return ask


@pytest.mark.parametrize("answer", ANSWERS)
@pytest.mark.parametrize("where", [SINGLE, IN_DRFS_WAY, DRFS_AND, OR, NOT_NOT, "/function/"])
def test_an_async_permission_admits_by_true_alone(ask, where, answer):
    response = ask(where, x_say=answer)
    assert response.status_code == (200 if answer == "yes" else 403 if answer == "broken" else 401)


@pytest.mark.parametrize("answer", ANSWERS)
@pytest.mark.parametrize("where", [NOT, NOT_OF_OR])
def test_below_a_not_only_false_admits(ask, where, answer):
    assert (ask(where, x_say=answer).status_code == 200) is (answer == "no")


def test_each_side_of_an_async_and_is_asked(ask, alice):
    assert ask(AND, x_say="yes").status_code == 401
    assert ask(AND, user=alice, x_say="no").status_code == 403
    assert ask(AND, x_say="yes").status_code == 200
    assert ask(OR, x_say="no").status_code == 200


def test_a_coroutine_that_nobody_awaits_refuses(ask, caplog):
    assert ask(NOT_AWAITED, x_say="yes").status_code == 401
    assert "answered coroutine" in caplog.text


def test_a_view_that_awaits_no_permission_refuses(api, caplog):
    assert api.get("/plain/", headers={"X-Say": "yes"}).status_code == 401
    assert "answered coroutine" in caplog.text


def test_has_scopes_beside_an_async_permission_declares_a_view(ask, alice, give):
    assert ask(WITH_SCOPES, x_say="yes").status_code == 401
    assert ask(WITH_SCOPES, user=alice, x_say="yes").status_code == 403
    give(alice, "notes:read")
    assert ask(WITH_SCOPES, x_say="no").status_code == 403
    assert ask(WITH_SCOPES, x_say="yes").status_code == 200


@pytest.mark.parametrize(("answer", "status"), [("yes", 200), ("one", 403), ("cancelled", 403)])
def test_an_async_object_permission_admits_by_true_alone(ask, alice, answer, status):
    note = Note.objects.create(title="note")
    where = f"/note/{note.pk}/"
    assert ask(where, user=alice, x_say="yes", x_say_of_object=answer).status_code == status


def test_async_throttles_are_asked(ask, alice):
    assert ask("/other/", x_user="alice").status_code == 200
    slow = ask("/other/", x_user="alice", x_slow="1")
    assert (slow.status_code, slow["Retry-After"]) == (429, "7")


def test_async_authenticators_are_awaited(ask, alice):
    assert ask("/other/", x_user="alice").json() == "alice"
    refused = ask("/other/", x_user="nobody")
    assert (refused.status_code, refused["WWW-Authenticate"]) == (401, "Header")
    assert ask("/other/").status_code == 401


def test_the_check_names_an_async_permission_where_nobody_awaits_it(settings):
    assert {message.msg.split(".has_")[0] for message in checks.check_permission_classes()} == {
        f"{__name__}.Says"
    }
    module = type(sys)("tests.awaited_permissions")
    module.urlpatterns = [each for each in urlpatterns if "plain" not in str(each.pattern)]
    sys.modules["tests.awaited_permissions"] = module
    settings.ROOT_URLCONF = "tests.awaited_permissions"
    assert checks.check_permission_classes() == []
