"""What is vetted for a write is asked of the database that is written to; narrowing pins none.

The router of these tests sends reads of the view's tables to a database that does not exist.
"""

from __future__ import annotations

import pytest
from django.db import transaction
from django.db.models import Q
from django.urls import path
from rest_framework import generics, serializers
from rest_framework.response import Response

from api_guard import guard
from tests.objects.keys import continue_keys
from tests.objects.models import Book, Comment, Page

RW = {"read": "notes:read", "write": "notes:write"}
reads_go_nowhere = False


class NoReplica:
    def db_for_read(self, model, **hints):
        return "nowhere" if reads_go_nowhere and model._meta.app_label == "objects" else None


class PageSerializer(serializers.ModelSerializer):
    book_id = serializers.IntegerField()
    author_id = serializers.IntegerField()

    class Meta:
        model = Page
        fields = ["title", "book_id", "author_id"]


class Writes(generics.GenericAPIView):
    queryset = Page.objects.all()

    def post(self, request):
        serializer = PageSerializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        serializer.save()
        return Response()

    def put(self, request):
        Page(pk=request.data["pk"], author_id=1, book_id=1, title="taken").save()
        return Response()

    def patch(self, request):
        with transaction.atomic():
            pages = self.get_queryset().filter(title="hers")
            pages.update(views=1)
            # Django reads for a lock where it writes.
            page = pages.select_for_update().get()
            page.title = "locked"
            page.save()
            pages.filter(title="gone").delete()
        return Response()


VIEWS = {
    "owner": guard(**RW, owner="author")(Writes),
    "longer": guard(**RW, owner="book__owner")(Writes),
    "function": guard(**RW, objects=lambda caller: Q(author=caller.user_id))(Writes),
    "joins": guard(**RW, objects=lambda caller: Q(comments__author=caller.user_id))(Writes),
}


@guard(**RW, owner="owner")
class Books(generics.ListAPIView):
    queryset = Book.objects.all()


urlpatterns = [
    *(path(f"{name}/", view.as_view()) for name, view in VIEWS.items()),
    path("books/", Books.as_view()),
]
pytestmark = [pytest.mark.django_db, pytest.mark.urls(__name__)]


@pytest.fixture
def api(api, django_user_model, give, settings):
    users = [django_user_model.objects.create_user(pk=pk, username=f"u{pk}") for pk in (1, 2)]
    give(users[0], "notes:read", "notes:write")
    for user in users:
        Book.objects.create(pk=user.pk, owner=user, title=user.username)
        Page.objects.create(pk=user.pk, author=user, book_id=user.pk, title="hers")
        Comment.objects.create(page_id=user.pk, author=user, text="c")
    continue_keys()
    settings.DATABASE_ROUTERS = [f"{__name__}.NoReplica"]
    return api.by_session(users[0])


@pytest.fixture
def nowhere(monkeypatch, api):
    def nowhere(method, where, data=None):
        monkeypatch.setitem(globals(), "reads_go_nowhere", True)
        try:
            return getattr(api, method)(f"/{where}/", data).status_code
        finally:
            monkeypatch.setitem(globals(), "reads_go_nowhere", False)

    return nowhere


@pytest.mark.parametrize("where", ["owner", "longer", "function"])
def test_what_a_save_is_judged_by_is_read_where_it_is_written(nowhere, where):
    assert nowhere("post", where, {"title": "x", "book_id": 1, "author_id": 1}) == 200
    assert nowhere("post", where, {"title": "x", "book_id": 2, "author_id": 1}) == 403
    assert nowhere("put", where, {"pk": 1}) == 200
    assert nowhere("put", where, {"pk": 2}) == 403
    assert Page.objects.get(pk=2).author_id == 2


@pytest.mark.parametrize("where", ["owner", "longer", "function", "joins"])
def test_a_narrowed_queryset_writes_where_django_writes(nowhere, where):
    assert nowhere("patch", where) == 200
    assert list(Page.objects.values_list("pk", "views")) == [(1, 1), (2, 0)]
