"""The scopes that a view asks a token for today, which its guard keeps."""

import pytest
from oauth2_provider.contrib.rest_framework import (
    TokenHasReadWriteScope,
    TokenHasResourceScope,
    TokenHasScope,
)
from rest_framework import permissions
from rest_framework.decorators import action
from rest_framework.views import APIView
from rest_framework.viewsets import ModelViewSet

from api_guard.adoption.token_scopes import described
from api_guard.adoption.views import Undeclared, choice_for
from api_guard.core.operations import Operation
from tests.models import Note

READ, CREATE, DELETE = (
    Operation("GET", "list"),
    Operation("POST", "create"),
    Operation("DELETE", "destroy"),
)
OPERATIONS = (READ, CREATE, DELETE)
CALLED = {"guard": "guard", "PUBLIC": "PUBLIC"}


class Kind(permissions.BasePermission):
    """Asks a session for nothing, as a project's own class does."""

    def get_scopes(self, request, view):
        return ["kind"]

    def has_permission(self, request, view):
        return request.user.is_authenticated


class Bad(Kind):
    def get_scopes(self, request, view):
        return ["two words"]


class OfRow(Kind):
    def get_scopes(self, request, view):
        return [view.get_object().scope]


def proposed(classes, operations=OPERATIONS, **attributes):
    attributes |= {"permission_classes": classes, "queryset": Note.objects}
    view = type("Notes", (ModelViewSet,), attributes)
    return choice_for(Undeclared("notes.Notes", view, "/notes/", operations), [])


OWN = '@guard(read="notes:read", write="notes:write")'


@pytest.mark.parametrize(
    ("classes", "required", "line"),
    [
        ([TokenHasReadWriteScope], [], '@guard(read="read", write="write")'),
        (
            [TokenHasReadWriteScope],
            ["music"],
            '@guard(read=("music", "read"), write=("music", "write"))',
        ),
        ([TokenHasResourceScope], ["music"], '@guard(read="music:read", write="music:write")'),
        ([TokenHasScope], ["a", "b"], '@guard(read=("a", "b"), write=("a", "b"))'),
        (
            [permissions.IsAuthenticated & TokenHasReadWriteScope, Kind],
            [],
            '@guard(read=("read", "kind"), write=("write", "kind"))',
        ),
        # Either side of an OR may be enough, and what cannot be asked says nothing.
        ([TokenHasReadWriteScope | permissions.IsAdminUser], [], OWN),
        ([Bad], [], OWN),
        ([OfRow], [], OWN),
        ([TokenHasScope], None, OWN),
        ([permissions.IsAuthenticated], [], OWN),
    ],
)
def test_the_scopes_of_tokens_are_kept(classes, required, line):
    said = {} if required is None else {"required_scopes": required}
    assert proposed(classes, **said).decorator(CALLED) == line


def test_the_permission_of_the_settings_is_asked_for_its_scopes(monkeypatch):
    monkeypatch.setattr(APIView, "permission_classes", [Kind])
    view = type("Notes", (ModelViewSet,), {"queryset": Note.objects})
    found = choice_for(Undeclared("notes.Notes", view, "/notes/", OPERATIONS), [])
    assert (found.read, found.write) == ("kind", "kind")


def test_a_slot_has_the_scope_of_most_of_its_operations():
    @action(detail=False, permission_classes=[Kind])
    def calendar(self, request):
        raise NotImplementedError

    @action(detail=False, methods=["post"], permission_classes=[permissions.IsAuthenticated])
    def bulk(self, request):
        raise NotImplementedError

    @action(detail=False, methods=["get", "post"], permission_classes=[permissions.IsAuthenticated])
    def both(self, request):
        raise NotImplementedError

    @action(detail=False, permission_classes=[permissions.AllowAny])
    def shared(self, request):
        raise NotImplementedError

    handlers = {"calendar": calendar, "bulk": bulk, "both": both, "shared": shared}
    routed = [
        Operation("GET", "calendar"),
        Operation("POST", "bulk"),
        Operation("POST", "both"),
        Operation("GET", "both"),
        Operation("GET", "shared"),
        Operation("GET", "retrieve"),
    ]
    found = proposed([TokenHasReadWriteScope], (*OPERATIONS, *routed), **handlers)
    assert (found.read, found.write) == ("read", "write")
    assert dict(found.actions) == {
        "calendar": "kind",
        "bulk": "notes:write",
        "both": "notes:write",
        "shared": "PUBLIC",
    }
    assert set(found.scopes) == {"read", "write", "kind", "notes:write"}


def test_a_scope_keeps_its_description(settings):
    settings.OAUTH2_PROVIDER = {"SCOPES": {"read": "Read all"}}
    assert described() == {"read": "Read all"}
    settings.OAUTH2_PROVIDER = {}
    assert described() == {}
    del settings.OAUTH2_PROVIDER
    assert described() == {}
