"""An OR with a permission that knows only objects is named where it lets requests in."""

from __future__ import annotations

import sys

import pytest
from django.urls import path
from rest_framework.permissions import BasePermission, IsAdminUser, IsAuthenticated
from rest_framework.response import Response
from rest_framework.views import APIView
from rest_framework.viewsets import ModelViewSet

from api_guard import PUBLIC, checks, guard
from tests.models import Note

public = guard(read=PUBLIC, write=PUBLIC, owner="author")


class IsAuthor(BasePermission):
    def has_object_permission(self, request, view, obj):
        return obj.author == request.user


class IsAuthorOrReads(IsAuthenticated):
    def has_object_permission(self, request, view, obj):
        return request.method == "GET" or obj.author == request.user


@pytest.fixture
def judged(settings):
    def judged(permission, route="notes/", actions=None):
        view = public(
            type(
                "Notes",
                (ModelViewSet,),
                {
                    "__module__": __name__,
                    "queryset": Note.objects.all(),
                    "permission_classes": [permission],
                },
            )
        )
        module = type(sys)("tests.judged_permissions")
        module.urlpatterns = [path(route, view.as_view(actions or {"get": "list"}))]
        sys.modules["tests.judged_permissions"] = module
        settings.ROOT_URLCONF = "tests.judged_permissions"
        return [message.id for message in checks.check_permission_classes()]

    return judged


@pytest.mark.parametrize(
    "permission",
    [
        IsAdminUser | IsAuthor,
        IsAuthor | IsAdminUser,
        (IsAdminUser | IsAuthor) & IsAuthor,
        (IsAuthenticated & IsAdminUser) | IsAuthor,
    ],
)
def test_an_or_that_lets_every_request_in_is_named(judged, permission):
    assert judged(permission) == ["api_guard.W015"]


@pytest.mark.parametrize(
    "permission",
    [
        IsAuthor,
        IsAuthenticated & IsAuthor,
        IsAuthenticated & (IsAdminUser | IsAuthor),
        (IsAuthor | IsAdminUser) & IsAuthenticated,
        IsAdminUser | IsAuthorOrReads,
        IsAdminUser | (IsAuthenticated & IsAuthor),
    ],
)
def test_an_or_that_something_else_stands_before_raises_no_alarm(judged, permission):
    assert judged(permission) == []


def test_where_each_request_is_about_one_object_an_or_may_know_only_objects(judged, settings):
    detail = {"get": "retrieve", "delete": "destroy"}
    assert judged(IsAdminUser | IsAuthor, "notes/<int:pk>/", detail) == []


def test_a_view_that_never_asks_for_its_object_is_named_all_the_same(settings):
    class Plain(APIView):
        permission_classes = [IsAdminUser | IsAuthor]

        def get(self, request, pk):
            return Response()

    module = type(sys)("tests.judged_permissions")
    module.urlpatterns = [path("notes/<int:pk>/", public(Plain).as_view())]
    sys.modules["tests.judged_permissions"] = module
    settings.ROOT_URLCONF = "tests.judged_permissions"
    assert [m.id for m in checks.check_permission_classes()] == ["api_guard.W015"]
