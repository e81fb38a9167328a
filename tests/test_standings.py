"""The standing that a view asks for today, read from its permissions."""

import pytest
from django.urls import path
from rest_framework import permissions
from rest_framework.decorators import action
from rest_framework.generics import CreateAPIView, RetrieveUpdateAPIView
from rest_framework.views import APIView
from rest_framework.viewsets import ModelViewSet

from api_guard.adoption.standings import asked_of, by_slot, open_unsaid
from api_guard.adoption.views import Undeclared, choice_for, undeclared
from api_guard.core.operations import Operation
from api_guard.permissions import Guarded
from tests.models import Note

OPERATIONS = (
    Operation("GET", "list"),
    Operation("GET", "retrieve"),
    Operation("POST", "create"),
    Operation("DELETE", "destroy"),
)


class ReadOnly(permissions.BasePermission):
    def has_permission(self, request, view):
        return request.method in permissions.SAFE_METHODS or request.user.is_authenticated


class OwnerOrReadOnly(permissions.BasePermission):
    def has_object_permission(self, request, view, obj):
        return request.method in permissions.SAFE_METHODS or obj.author == request.user


class Newcomer(permissions.BasePermission):
    def has_permission(self, request, view):
        return not request.user.is_authenticated


class ByRow(permissions.BasePermission):
    def has_permission(self, request, view):
        return view.kwargs["pk"] == "1"


class Truthy(permissions.BasePermission):
    def has_permission(self, request, view):
        return "yes"


class Keyed(permissions.BasePermission):
    def has_permission(self, request, view):
        return request.headers.get("X-Key") == "secret"


class Duck:
    def has_permission(self, request, view):
        return True

    def has_object_permission(self, request, view, obj):
        return obj.author == request.user


READ, ALL, NONE = {"read": "PUBLIC", "write": ""}, {"read": "PUBLIC", "write": "PUBLIC"}, {}


@pytest.mark.parametrize(
    ("classes", "slots"),
    [
        ([], ALL),
        ([permissions.AllowAny], ALL),
        ([permissions.AllowAny, permissions.IsAuthenticated], NONE),
        ([permissions.IsAuthenticated], NONE),
        ([permissions.IsAdminUser], {"read": "STAFF", "write": "STAFF"}),
        ([permissions.IsAuthenticatedOrReadOnly], READ),
        ([permissions.IsAuthenticatedOrReadOnly, OwnerOrReadOnly], READ),
        ([permissions.DjangoModelPermissionsOrAnonReadOnly], READ),
        ([permissions.DjangoModelPermissions], NONE),
        ([permissions.IsAdminUser | ReadOnly], READ),
        ([ReadOnly], READ),
        # Whoever is let in may still be refused an object, so nothing is said of writes.
        ([OwnerOrReadOnly], READ),
        ([Duck], READ),
        ([Newcomer], ALL),
        # What cannot be asked, or does not say so exactly, is not open.
        ([ByRow], NONE),
        ([Truthy], NONE),
        ([Keyed], NONE),
    ],
)
def test_an_operation_that_lets_anonymous_callers_in_is_public(classes, slots):
    view = type("Notes", (ModelViewSet,), {"permission_classes": classes, "queryset": Note.objects})
    assert by_slot(asked_of(view, OPERATIONS)) == ({"read": "", "write": "", **slots}, {})


class Default(ModelViewSet):
    def get_permissions(self):
        if self.action == "create":
            return [permissions.AllowAny()]
        return super().get_permissions()


class Explicit(ModelViewSet):
    def get_permissions(self):
        if self.action in ("list", "retrieve"):
            return [permissions.AllowAny()]
        return [permissions.IsAuthenticated()]


class Both(ModelViewSet):
    def get_permissions(self):
        return [*super().get_permissions(), permissions.AllowAny()]


class Own(ModelViewSet):
    @action(detail=True, permission_classes=[permissions.AllowAny])
    def shared(self, request, pk):
        raise NotImplementedError


class Failing(ModelViewSet):
    def get_permissions(self):
        return [permissions.AllowAny()] if self.request.session["open"] else []


@pytest.mark.parametrize(
    ("view", "found"),
    [
        (Default, ({"read": "", "write": ""}, {"create": "PUBLIC"})),
        (Explicit, (READ, {})),
        (Both, ({"read": "", "write": ""}, {})),
        (Failing, ({"read": "", "write": ""}, {})),
    ],
)
@pytest.mark.parametrize("default", [permissions.AllowAny, permissions.IsAuthenticated])
def test_the_default_of_the_settings_says_nothing_and_what_a_method_returns_does(
    monkeypatch, view, found, default
):
    classes = [default]
    monkeypatch.setattr(APIView, "permission_classes", classes)
    assert by_slot(asked_of(view, OPERATIONS)) == found


class Silent(ModelViewSet):
    queryset = Note.objects


@pytest.mark.parametrize(
    ("default", "view", "remark"),
    [
        ([], Silent, "read=PUBLIC, write=PUBLIC"),
        ([permissions.AllowAny], Silent, "read=PUBLIC, write=PUBLIC"),
        ([permissions.AllowAny], Default, "read=PUBLIC, write=PUBLIC"),
        ([permissions.IsAuthenticatedOrReadOnly], Silent, "read=PUBLIC"),
        ([permissions.AllowAny, permissions.IsAuthenticated], Silent, ""),
        ([Guarded], Silent, ""),
        ([permissions.AllowAny], Explicit, ""),
        ([permissions.AllowAny], Both, ""),
        ([permissions.AllowAny], Failing, ""),
        (permissions.AllowAny, Silent, ""),
        ([lambda: 1 / 0], Silent, ""),
    ],
)
def test_what_everybody_may_use_only_by_the_default_is_a_choice(monkeypatch, default, view, remark):
    monkeypatch.setattr(APIView, "permission_classes", default)
    slots = tuple(part.partition("=")[0] for part in remark.split(", ") if part)
    assert open_unsaid(view, OPERATIONS) == (slots, ())
    found = choice_for(Undeclared("notes.Notes", view, "/notes/", OPERATIONS, True), [])
    assert all(getattr(found, slot).startswith("notes:") for slot in slots)
    comment = found.comment()
    assert "whose rows?" in comment
    assert comment.endswith(f"  # {remark}, if everybody may still use it") is bool(remark)


class Judged(permissions.BasePermission):
    """Lets everybody in, and judges the row."""

    def has_object_permission(self, request, view, obj):
        return obj.author == request.user


class Several(ModelViewSet):
    permission_classes = [permissions.IsAuthenticated]

    @action(detail=True, methods=["get", "post"], permission_classes=[Judged])
    def publish(self, request, pk):
        raise NotImplementedError


SEVERAL = [*OPERATIONS, Operation("GET", "publish"), Operation("POST", "publish")]


@pytest.mark.parametrize("operations", [SEVERAL, SEVERAL[::-1]])
def test_an_action_whose_methods_ask_for_different_things_asks_for_scopes(operations):
    detail = frozenset(each for each in SEVERAL if each.action == "publish")
    view = Undeclared("notes.Notes", Several, "/notes/", operations, on_objects=detail)
    found = choice_for(view, [])
    assert (found.read, found.write, found.actions) == ("notes:read", "notes:write", ())
    assert found.comment() == "  # GET of publish is open today"


def test_an_action_all_of_whose_methods_are_open_is_public():
    class Open(Several):
        publish = action(detail=True, methods=["get", "post"], permission_classes=[])(
            Several.publish
        )

    found = choice_for(Undeclared("notes.Notes", Open, "/notes/", SEVERAL), [])
    assert (found.actions, found.comment()) == ((("publish", "PUBLIC"),), "")


class Check(APIView):
    def post(self, request):
        raise NotImplementedError


class OwnRule(ModelViewSet):
    permission_classes = [OwnerOrReadOnly]
    queryset = Note.objects.all()

    @action(detail=False, methods=["delete"], permission_classes=[permissions.IsAuthenticated])
    def all(self, request):
        raise NotImplementedError


class Mine(RetrieveUpdateAPIView):
    queryset = Note.objects.all()

    def get_object(self):
        raise NotImplementedError


class Posted(CreateAPIView):
    queryset = Note.objects.all()


urlpatterns = [
    path("check/", Check.as_view()),
    path("notes/", Silent.as_view({"get": "list", "post": "create"})),
    path("notes/<pk>/", Silent.as_view({"get": "retrieve", "delete": "destroy"})),
    path("own/", OwnRule.as_view({"get": "list", "post": "create", "delete": "all"})),
    path("own/<pk>/", OwnRule.as_view({"patch": "partial_update"})),
    path("mine/", Mine.as_view()),
    path("posted/", Posted.as_view()),
]


@pytest.mark.urls(__name__)
def test_what_a_permission_that_also_judges_objects_lets_in_is_a_choice_too(monkeypatch):
    """Each is open today, and its guard would close it without a word."""
    monkeypatch.setattr(APIView, "permission_classes", [OwnerOrReadOnly])
    choices = {each.view: choice_for(each, []) for each in undeclared()}
    said = {view.__name__: choice.remark.partition(", if ")[0] for view, choice in choices.items()}
    assert said == {
        "Check": "write=PUBLIC",
        # What it says of an object is not known, so no write of an object is asked about.
        "Silent": 'read=PUBLIC, actions={"create": PUBLIC}',
        "OwnRule": 'actions={"create": PUBLIC}',
        "Mine": "read=PUBLIC",
        "Posted": "write=PUBLIC",
    }
    assert choices[OwnRule].write == f"{choices[OwnRule].write.partition(':')[0]}:write"


def test_an_action_has_its_own_permissions():
    asked = asked_of(Own, [*OPERATIONS, Operation("GET", "shared"), Operation("HEAD", "list")])
    assert {each.action: found for each, found in asked.items() if found} == {"shared": "PUBLIC"}
    assert Operation("HEAD", "list") not in asked
