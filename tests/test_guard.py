"""@guard on every kind of view, driven through the URLconf."""

from __future__ import annotations

import pytest
from django.urls import include, path
from rest_framework import permissions, serializers, viewsets
from rest_framework.decorators import action, api_view, permission_classes
from rest_framework.generics import ListCreateAPIView
from rest_framework.response import Response
from rest_framework.routers import SimpleRouter
from rest_framework.views import APIView

from api_guard import PUBLIC, SIGNED_IN, STAFF, any_of, guard
from tests.models import Note

pytestmark = [pytest.mark.urls(__name__), pytest.mark.django_db]


class NoteSerializer(serializers.ModelSerializer):
    class Meta:
        model = Note
        fields = ["id", "title"]


@guard(read="notes:read", write="notes:write", actions={"publish": "notes:publish"})
class NoteViewSet(viewsets.ModelViewSet):
    queryset = Note.objects.order_by("pk")
    serializer_class = NoteSerializer

    @action(detail=True, methods=["post"], permission_classes=[])
    def publish(self, request, pk):
        return Response({"published": pk})


@guard(read=any_of("notes:read", "audit:read"), actions={"POST": ("notes:read", "notes:write")})
class NoteList(ListCreateAPIView):
    queryset = Note.objects.order_by("pk")
    serializer_class = NoteSerializer


@guard(read=PUBLIC)
@api_view(["GET", "POST"])
def ping(request):
    return Response("pong")


@guard(read=SIGNED_IN, write=STAFF, actions={"DELETE": (STAFF, "audit:read")})
class Desk(APIView):
    def get(self, request):
        return Response("read")

    def post(self, request):
        return Response("written")

    def delete(self, request):
        return Response("deleted")


@guard(read=PUBLIC, write="notes:write", actions={"GET": "notes:read"})
class ReadByGet(APIView):
    def get(self, request):
        return Response("secret")


class Undeclared(APIView):
    def get(self, request):
        return Response("never")


class Open(APIView):
    permission_classes = [permissions.AllowAny]

    def get(self, request):
        return Response("open")


guarded_open = guard(read="notes:read")(Open)


class Never(permissions.BasePermission):
    def has_permission(self, request, view):
        return False


@guard(read=PUBLIC)
@api_view(["GET"])
@permission_classes([Never])
def never(request):
    return Response("never")


router = SimpleRouter()
router.register("notes", NoteViewSet)

urlpatterns = [
    path("", include(router.urls)),
    path("list", NoteList.as_view()),
    path("ping", ping),
    path("desk", Desk.as_view()),
    path("by-get", ReadByGet.as_view()),
    path("undeclared", Undeclared.as_view()),
    path("open", Open.as_view()),
    path("guarded-open", guarded_open.as_view()),
    path("guarded-call", guard(read="audit:read")(Open.as_view())),
    path("never", never),
]


def test_an_anonymous_caller_is_asked_to_authenticate(api):
    response = api.get("/notes/")
    assert response.status_code == 401
    assert response.json() == {
        "detail": "Authentication credentials were not provided.",
        "code": "not_authenticated",
        "decision": response.json()["decision"],
    }
    assert response["WWW-Authenticate"] == 'Bearer realm="api"'


def test_a_client_is_refused_then_granted_then_revoked_with_one_live_token(
    api, application, issue, give
):
    from api_guard import grants

    api.by_token(issue("notes:read notes:write"))
    refused = api.get("/notes/")
    assert refused.status_code == 403
    assert refused.json()["code"] == "insufficient_scope"
    assert (
        refused["WWW-Authenticate"]
        == 'Bearer realm="api", error="insufficient_scope", scope="notes:read"'
    )
    [row] = give(application, "notes:read")
    assert api.get("/notes/").status_code == 200
    assert api.post("/notes/", {"title": "x"}).status_code == 403
    grants.revoke(row, reason="done", by=grants.System("a test"))
    assert api.get("/notes/").status_code == 403


@pytest.mark.parametrize(
    ("method", "path", "scope"),
    [
        ("get", "/notes/", "notes:read"),
        ("head", "/notes/", "notes:read"),
        ("options", "/notes/", "notes:read"),
        ("get", "/notes/100000/", "notes:read"),
        ("post", "/notes/", "notes:write"),
        ("put", "/notes/100000/", "notes:write"),
        ("patch", "/notes/100000/", "notes:write"),
        ("delete", "/notes/100000/", "notes:write"),
        ("post", "/notes/100000/publish/", "notes:publish"),
    ],
)
def test_each_operation_asks_for_its_own_scope(api, alice, give, method, path, scope):
    others = {"notes:read", "notes:write", "notes:publish", "audit:read"} - {scope}
    Note.objects.create(pk=100_000, title="one")
    give(alice, *sorted(others))
    api.by_session(alice)
    refused = getattr(api, method)(path, {"title": "x"})
    assert refused.status_code == 403
    give(alice, scope)
    assert getattr(api, method)(path, {"title": "x"}).status_code in (200, 201, 204)


def test_one_of_several_scopes_is_enough_and_all_of_a_tuple_are_needed(api, alice, give):
    give(alice, "audit:read")
    api.by_session(alice)
    assert api.get("/list").status_code == 200
    assert api.post("/list", {"title": "x"}).status_code == 403
    give(alice, "notes:read")
    assert api.post("/list", {"title": "x"}).status_code == 403
    give(alice, "notes:write")
    assert api.post("/list", {"title": "x"}).status_code == 201


def test_public_is_for_everyone_and_silence_for_nobody(api, admin_user):
    assert api.get("/ping").status_code == 200
    assert api.post("/ping").status_code == 403
    assert api.by_session(admin_user).post("/ping").json()["code"] == "not_offered"


def test_a_method_that_the_class_does_not_have_is_not_allowed(api):
    assert api.put("/ping").status_code == 405


def test_what_is_said_of_get_holds_for_head(api):
    assert api.head("/by-get").status_code == 401
    assert api.options("/by-get").status_code == 200


def test_an_undeclared_view_is_refused_even_to_a_superuser(api, admin_user):
    response = api.by_session(admin_user).get("/undeclared")
    assert response.status_code == 403
    assert response.json()["code"] == "undeclared_endpoint"


def test_without_the_middleware_the_default_permission_refuses_it(rf):
    response = Undeclared.as_view()(rf.get("/"))
    assert (response.status_code, response.data["code"]) == (403, "undeclared_endpoint")


def test_guarding_a_class_in_use_leaves_that_class_alone(api, alice, give):
    assert guarded_open is not Open
    assert issubclass(guarded_open, Open)
    assert api.get("/open").json()["code"] == "undeclared_endpoint"
    assert api.get("/guarded-open").status_code == 401
    assert api.get("/guarded-call").status_code == 401
    give(alice, "audit:read")
    api.by_session(alice)
    assert api.get("/guarded-call").status_code == 200
    assert api.get("/guarded-open").status_code == 403


def test_a_view_s_own_permissions_still_refuse(api):
    assert api.get("/never").status_code in (401, 403)


def test_nobody_is_above_the_guard(api, admin_user, settings):
    settings.DEBUG = True
    assert api.by_session(admin_user).get("/notes/").status_code == 403


STANDINGS = [
    # who, credential, path, method, status, code
    ("alice", "session", "/desk", "get", 200, None),
    ("alice", "session", "/desk", "post", 403, "staff_only"),
    ("alice", "token", "/desk", "get", 403, "first_party_only"),
    ("staff", "session", "/desk", "post", 200, None),
    ("staff", "token", "/desk", "post", 403, "first_party_only"),
    ("staff", "session", "/desk", "delete", 200, None),
    ("staff", "token", "/desk", "delete", 200, None),
    ("alice", "token", "/desk", "delete", 403, "staff_only"),
    (None, "token", "/desk", "get", 403, "user_only"),
    (None, "token", "/desk", "delete", 403, "user_only"),
    (None, None, "/desk", "get", 401, "not_authenticated"),
]


@pytest.mark.parametrize(("who", "credential", "path", "method", "status", "code"), STANDINGS)
def test_a_standing_is_for_users_and_for_tokens_only_beside_a_scope(
    api, request, issue, give, application, who, credential, path, method, status, code
):
    user = request.getfixturevalue(who) if who else None
    give(application, "audit:read")
    if user is not None:
        give(user, "audit:read")
    if credential == "token":
        api.by_token(issue("audit:read", user=user))
    elif credential == "session":
        api.by_session(user)
    response = getattr(api, method)(path)
    assert response.status_code == status
    if code:
        assert response.json()["code"] == code
