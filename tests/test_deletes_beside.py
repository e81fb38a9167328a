"""A handler that deletes objects of another model: what belongs to nobody may go, the rest not."""

import pytest
from django.urls import path
from rest_framework import generics, serializers
from rest_framework.viewsets import ModelViewSet, ReadOnlyModelViewSet

from api_guard import ANY_OBJECT, guard
from tests.models import Note, Notebook


class NoteSerializer(serializers.ModelSerializer):
    class Meta:
        model = Note
        fields = ["id", "title"]


@guard(read="notes:read", write="notes:write", objects=ANY_OBJECT)
class Notes(ModelViewSet):
    queryset = Note.objects.order_by("pk")
    serializer_class = NoteSerializer

    def perform_destroy(self, instance):
        instance.notebook.delete()


class Books(ReadOnlyModelViewSet):
    queryset = Notebook.objects.order_by("pk")


read_only = guard(read="notes:read", objects=ANY_OBJECT)(
    type("Shown", (Books,), {"__module__": __name__})
)
owned = guard(read="notes:read", owner="owner")(type("Owned", (Books,), {"__module__": __name__}))
deleted = guard(read="audit:read", write="audit:write", objects=ANY_OBJECT)(
    type(
        "Deleted", (generics.DestroyAPIView,), {"queryset": Books.queryset, "__module__": __name__}
    )
)
held = guard(read="audit:read", write="audit:read", objects=ANY_OBJECT, hold="everywhere")(
    type("Held", (generics.DestroyAPIView,), {"queryset": Books.queryset, "__module__": __name__})
)
urlpatterns = [path("notes/<int:pk>/", Notes.as_view({"delete": "destroy"}))]


def with_books(view):
    routed = view.as_view() if view in (deleted, held) else view.as_view({"get": "retrieve"})
    return type(
        "Urls",
        (),
        {"urlpatterns": [*urlpatterns, path("books/<int:pk>/", routed)], "__name__": "with_books"},
    )


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("books", "status"),
    [(None, 204), (read_only, 204), (deleted, 204), (owned, 403)],
    ids=["no view", "read by anybody", "deleted by others", "owned"],
)
def test_what_belongs_to_nobody_may_go_with_what_is_deleted(
    api, settings, alice, bob, give, books, status
):
    give(alice, "notes:write")
    book = Notebook.objects.create(owner=bob, title="A book")
    note = Note.objects.create(author=alice, notebook=book, title="A note")
    settings.ROOT_URLCONF = __name__ if books is None else with_books(books)
    answer = api.by_session(alice).delete(f"/notes/{note.pk}/")
    assert answer.status_code == status
    assert Notebook.objects.exists() == Note.objects.exists() == (status == 403)


@pytest.mark.django_db
@pytest.mark.parametrize(("scopes", "status"), [((), 403), (("audit:read",), 204)])
def test_what_is_held_everywhere_goes_only_with_the_scope_that_deletes_it(
    api, settings, alice, bob, give, scopes, status
):
    give(alice, "notes:write", *scopes)
    book = Notebook.objects.create(owner=bob, title="A book")
    note = Note.objects.create(author=alice, notebook=book, title="A note")
    settings.ROOT_URLCONF = with_books(held)
    answer = api.by_session(alice).delete(f"/notes/{note.pk}/")
    assert answer.status_code == status
    assert Notebook.objects.exists() == Note.objects.exists() == (status == 403)
