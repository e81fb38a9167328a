"""How many queries an object rule adds: none where memory or the view's own queryset can tell."""

from __future__ import annotations

import pytest
from django.db import connection, transaction
from django.db.models import Q
from django.test.utils import CaptureQueriesContext
from django.urls import path
from rest_framework import serializers, viewsets
from rest_framework.decorators import action
from rest_framework.response import Response

from api_guard import guard
from tests.objects.keys import continue_keys
from tests.objects.models import Book, Comment, Document, Page, Ticket

RW = {"read": "notes:read", "write": "notes:write"}


class PageSerializer(serializers.ModelSerializer):
    class Meta:
        model = Page
        fields = ["id", "title", "author", "book"]


class Pages(viewsets.ModelViewSet):
    queryset = Page.objects.all()
    serializer_class = PageSerializer

    @action(detail=False, methods=["post"])
    def bulk(self, request):
        pages = list(self.get_queryset())
        for page in pages:
            page.title = "bulk"
            page.save()
        return Response(len(pages))

    @action(detail=False, methods=["post"])
    def clear(self, request):
        return Response(self.get_queryset().delete()[0])


class TicketSerializer(serializers.ModelSerializer):
    class Meta:
        model = Ticket
        fields = ["id", "title", "author"]


class Tickets(viewsets.ModelViewSet):
    queryset = Ticket.objects.all()
    serializer_class = TicketSerializer


class DocumentSerializer(serializers.ModelSerializer):
    class Meta:
        model = Document
        fields = ["id", "title", "members"]


class Documents(viewsets.ModelViewSet):
    queryset = Document.objects.all()
    serializer_class = DocumentSerializer


ACTIONS = {
    "list": {"get": "list", "post": "create"},
    "detail": {"get": "retrieve", "patch": "partial_update", "delete": "destroy"},
    "bulk": {"post": "bulk"},
    "clear": {"post": "clear"},
}
VIEWS = {
    "free": guard(**RW)(Pages),
    "owner": guard(**RW, owner="author")(Pages),
    "longer": guard(**RW, owner="book__owner")(Pages),
    "function": guard(**RW, objects=lambda caller: Q(author=caller.user_id))(Pages),
    "joins": guard(**RW, objects=lambda caller: Q(comments__author=caller.user_id))(Pages),
    "free-tickets": guard(**RW)(Tickets),
    "tickets": guard(**RW, owner="author")(Tickets),
    "free-documents": guard(**RW)(Documents),
    "documents": guard(**RW, owner="members")(Documents),
}
urlpatterns = [
    route
    for name, view in VIEWS.items()
    for route in (
        path(f"{name}/", view.as_view(ACTIONS["list"])),
        path(f"{name}/<int:pk>/", view.as_view(ACTIONS["detail"])),
        *(
            path(f"{name}/{each}/", view.as_view(ACTIONS[each]))
            for each in ("bulk", "clear")
            if issubclass(view, Pages)
        ),
    )
]
pytestmark = [pytest.mark.django_db, pytest.mark.urls(__name__)]
SAVEPOINT = 2  # one around the save, and its release

COSTS = [
    # view, its control, method, address, data, queries more
    ("owner", "free", "get", "", None, 0),
    ("owner", "free", "get", "1/", None, 0),
    ("owner", "free", "post", "", {"title": "x", "author": 1}, 0),
    ("owner", "free", "patch", "1/", {"title": "x"}, 0),
    ("owner", "free", "delete", "1/", None, 0),
    ("owner", "free", "post", "bulk/", None, 0),
    ("owner", "free", "post", "clear/", None, 0),
    ("longer", "free", "get", "", None, 0),
    ("longer", "free", "patch", "1/", {"title": "x"}, 0),
    ("longer", "free", "patch", "1/", {"book": 3}, 1),
    ("longer", "free", "post", "", {"title": "x", "book": 1}, 1),
    ("function", "free", "get", "", None, 0),
    ("function", "free", "get", "1/", None, 0),
    ("function", "free", "post", "", {"title": "x", "author": 1}, 1 + SAVEPOINT),
    ("function", "free", "patch", "1/", {"title": "x"}, 1 + SAVEPOINT),
    ("function", "free", "delete", "1/", None, 0),
    ("joins", "free", "get", "", None, 0),
    ("joins", "free", "get", "1/", None, 0),
    ("tickets", "free-tickets", "post", "", {"title": "x", "author": 1}, 0),
    ("documents", "free-documents", "get", "", None, 0),
    ("documents", "free-documents", "post", "", {"title": "x", "members": [1]}, 0),
    ("documents", "free-documents", "patch", "1/", {"title": "x"}, 0),
]


@pytest.fixture
def rows(django_user_model):
    alice = django_user_model.objects.create_user(pk=1, username="alice")
    for pk in (1, 3):
        Book.objects.create(pk=pk, owner=alice, title=str(pk))
    for pk in range(1, 21):
        Page.objects.create(pk=pk, author=alice, book_id=1, title="hers")
        Comment.objects.create(page_id=pk, author=alice, text="hers")
    Document.objects.create(pk=1, title="hers").members.set([alice])
    continue_keys()
    return alice


@pytest.mark.parametrize(("view", "control", "method", "address", "data", "more"), COSTS)
def test_an_object_rule_adds_as_many_queries_as_the_docs_say(
    api, rows, give, view, control, method, address, data, more
):
    give(rows, "notes:read", "notes:write")
    api.by_session(rows)
    api.get("/free/")  # what is written once an interval is written

    def queries(name):
        with transaction.atomic():
            with CaptureQueriesContext(connection) as captured:
                response = getattr(api, method)(f"/{name}/{address}", data)
            transaction.set_rollback(True)
        assert response.status_code < 300, response.content
        return captured

    queries(view)  # receivers of deletes are connected by the first request, for good
    plain, ruled = queries(control), queries(view)
    assert len(ruled) == len(plain) + more, [query["sql"] for query in ruled]
