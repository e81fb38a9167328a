"""Whatever kind of rows a serializer is given: a stranger's are not shown, the caller's are."""

from __future__ import annotations

import pytest
from django.core.paginator import Paginator
from django.db.models import Count
from django.urls import path
from rest_framework import generics, serializers
from rest_framework.response import Response

from api_guard import guard, unheld
from tests.objects.models import Book, Page, Tag

pytestmark = [pytest.mark.django_db, pytest.mark.urls(__name__)]


class TitleSerializer(serializers.ModelSerializer):
    class Meta:
        model = Page
        fields = ["title"]


class CountSerializer(serializers.Serializer):
    author = serializers.IntegerField()
    pages = serializers.IntegerField()


KINDS = {
    "queryset": lambda rows: rows,
    "list": list,
    "tuple": tuple,
    "set": set,
    "generator": lambda rows: (row for row in rows),
    "iterator": lambda rows: rows.iterator(),
    "dict_values": lambda rows: {row.pk: row for row in rows}.values(),
    "page": lambda rows: Paginator(rows, 10).page(1),
    "raw": lambda rows: Page.objects.raw(str(rows.query)),
    "values": lambda rows: rows.values("title"),
    "values and key": lambda rows: rows.values("id", "title"),
    "union": lambda rows: rows.order_by().union(rows.order_by()),
}


@guard(read="notes:read", write="notes:write", owner="author")
class Shown(generics.GenericAPIView):
    queryset = Page.objects.all()
    serializer_class = TitleSerializer

    def rows(self):
        # Asked for first, so that a rule that is held to a request would have run.
        self.get_queryset().exists()
        return Page.objects.filter(pk__in=self.request.query_params.getlist("pk"))

    def get(self, request, kind):
        return Response(TitleSerializer(KINDS[kind](self.rows()), many=True).data)

    def post(self, request, kind):
        return Response(self.get_serializer(KINDS[kind](self.rows()), many=True).data)


@guard(read="notes:read", owner="author")
class Mixed(generics.GenericAPIView):
    queryset = Page.objects.all()
    serializer_class = TitleSerializer

    def get(self, request, kind):
        mine, all_pages = self.get_queryset().order_by(), Page.objects.order_by()
        rows = {
            "mine and all": lambda: mine.union(all_pages),
            "all and mine": lambda: all_pages.union(mine),
            "mine twice": lambda: mine.union(mine.filter(title="alice")),
            "or": lambda: mine | all_pages,
            "but mine": lambda: all_pages.exclude(pk__in=mine),
        }[kind]()
        return Response(self.get_serializer(rows, many=True).data)


@guard(read="notes:read", owner="author")
class Counted(generics.GenericAPIView):
    queryset = Page.objects.all()

    def get(self, request):
        self.get_queryset().exists()
        rows = Page.objects.values("author").annotate(pages=Count("pk"))
        return Response(CountSerializer(rows, many=True).data)


ruled = guard(read="notes:read", write="notes:write", owner="owner")


@ruled
class Books(generics.ListAPIView):
    queryset = Book.objects.all()


@ruled
class Tags(generics.GenericAPIView):
    queryset = Tag.objects.all()

    def post(self, request, what):
        tag = self.get_queryset().get(name="alice")
        mine, his = Page.objects.get(title="alice"), Page.objects.get(title="bob")
        {
            "add mine": lambda: mine.tags.add(tag),
            "add his": lambda: his.tags.add(tag),
            "set his": lambda: his.tags.set([tag]),
            "clear mine": lambda: mine.tags.clear(),
            "remove his": lambda: his.tags.remove(tag),
            "unheld": lambda: self.unheld(his, tag),
        }[what]()
        return Response(status=204)

    def unheld(self, page, tag):
        with unheld(Page, Tag, why="tagged by the editors"):
            page.tags.add(tag)


@guard(write="notes:write", owner="author")
class Deletes(generics.GenericAPIView):
    queryset = Page.objects.all()

    def post(self, request, name, what):
        self.get_queryset().exists()
        books = Book.objects.filter(title=name)
        books.get().delete() if what == "one" else books.delete()
        return Response(status=204)


@guard(write="notes:write", owner="owner")
class DeletesBooks(Deletes):
    queryset = Book.objects.all()


@guard(write="notes:write", owner="author")
class TagsPages(generics.GenericAPIView):
    """Page is the view's own model, and the far side of the set."""

    queryset = Page.objects.all()

    def post(self, request, name, what):
        self.get_queryset().exists()
        page, tag = Page.objects.get(title=name), Tag.objects.get(name="alice")
        page.tags.clear() if what == "clear" else getattr(page.tags, what)(tag)
        return Response(status=204)


@ruled
class FillsTags(generics.GenericAPIView):
    """Tag is the view's own model, and has the set."""

    queryset = Tag.objects.all()

    def post(self, request, name, what):
        self.get_queryset().exists()
        page, tag = Page.objects.get(title="alice"), Tag.objects.get(name=name)
        tag.pages.clear() if what == "clear" else getattr(tag.pages, what)(page)
        return Response(status=204)


class TagSerializer(serializers.ModelSerializer):
    class Meta:
        model = Tag
        fields = ["name"]


class TaggedSerializer(serializers.ModelSerializer):
    tags = TagSerializer(many=True)

    class Meta:
        model = Page
        fields = ["title", "tags"]

    def update(self, page, validated):
        for row in validated["tags"]:
            tag, _ = Tag.objects.get_or_create(
                name=row["name"], defaults={"owner": self.context["request"].user}
            )
            tag.pages.add(page)
        return page


@guard(write="notes:write", owner="author")
class Tagged(generics.GenericAPIView):
    """Tag is held because the serializer writes it."""

    queryset = Page.objects.all()
    serializer_class = TaggedSerializer

    def post(self, request):
        page = self.get_queryset().get(title="alice")
        serializer = self.get_serializer(page, data=request.data, partial=True)
        serializer.is_valid(raise_exception=True)
        serializer.save()
        return Response(status=204)


urlpatterns = [
    path("shown/<kind>/", Shown.as_view()),
    path("mixed/<kind>/", Mixed.as_view()),
    path("counted/", Counted.as_view()),
    path("books/", Books.as_view()),
    path("tags/<what>/", Tags.as_view()),
    path("deletes/<name>/<what>/", Deletes.as_view()),
    path("deletes-books/<name>/<what>/", DeletesBooks.as_view()),
    path("tags-pages/<name>/<what>/", TagsPages.as_view()),
    path("fills-tags/<name>/<what>/", FillsTags.as_view()),
    path("tagged/", Tagged.as_view()),
]


@pytest.fixture
def pages(api, alice, bob, give):
    """Give alice and bob a book, a page in it and a tag each, and let alice ask."""
    give(alice, "notes:read", "notes:write")
    api.by_session(alice)
    found = {}
    for user in (alice, bob):
        book = Book.objects.create(owner=user, title=user.username)
        Tag.objects.create(owner=user, name=user.username)
        found[user.username] = Page.objects.create(author=user, book=book, title=user.username).pk
    return found


@pytest.mark.parametrize("method", ["get", "post"])
@pytest.mark.parametrize("kind", KINDS)
def test_a_strangers_rows_are_not_shown_and_the_callers_are(api, pages, kind, method):
    where = f"/shown/{kind}/?pk={pages['alice']}"
    assert getattr(api, method)(where).json() == [{"title": "alice"}]
    assert getattr(api, method)(f"{where}&pk={pages['bob']}").status_code == 404


@pytest.mark.parametrize("kind", ["mine and all", "all and mine", "or", "but mine"])
def test_a_narrowed_queryset_vouches_for_no_other(api, pages, kind):
    assert api.get(f"/mixed/{kind}/").status_code == 404


def test_a_union_of_narrowed_querysets_is_narrowed(api, pages):
    assert api.get("/mixed/mine twice/").json() == [{"title": "alice"}]


def test_what_counts_rows_together_shows_none_of_them(api, pages):
    assert sum(row["pages"] for row in api.get("/counted/").json()) == 2


def test_a_set_is_judged_from_either_side(api, pages):
    assert api.post("/tags/add mine/").status_code == 204
    assert api.post("/tags/clear mine/").status_code == 204
    assert api.post("/tags/remove his/").status_code == 204
    for what in ("add his", "set his"):
        assert api.post(f"/tags/{what}/").json()["code"] == "outside_your_objects"
    assert not Tag.pages.through.objects.exists()
    assert api.post("/tags/unheld/").status_code == 204
    assert Tag.pages.through.objects.count() == 1


@pytest.mark.parametrize("where", ["tags-pages", "fills-tags"])
def test_nothing_is_put_into_or_taken_from_what_is_a_strangers(api, pages, where):
    for what in ("add", "remove", "clear"):
        assert api.post(f"/{where}/alice/{what}/").status_code == 204
    his = Tag.objects.get(name="bob")
    his.pages.add(pages["bob"], pages["alice"])
    for what in ("add", "clear", *(["remove"] if where == "fills-tags" else [])):
        refused = api.post(f"/{where}/bob/{what}/")
        assert refused.json()["code"] == "outside_your_objects"
    assert his.pages.count() == 2


def test_a_set_of_what_a_serializer_writes_is_the_callers_or_new(api, pages):
    assert api.post("/tagged/", {"tags": [{"name": "alice"}, {"name": "new"}]}).status_code == 204
    refused = api.post("/tagged/", {"tags": [{"name": "bob"}]})
    assert refused.json()["code"] == "outside_your_objects"
    assert sorted(Page.objects.get(title="alice").tags.values_list("name", flat=True)) == [
        "alice",
        "new",
    ]


@pytest.mark.parametrize("what", ["one", "all"])
@pytest.mark.parametrize("where", ["deletes", "deletes-books"])
def test_what_takes_held_objects_with_it_is_judged_itself(api, pages, where, what):
    refused = api.post(f"/{where}/bob/{what}/")
    assert refused.json()["code"] == "outside_your_objects"
    assert Page.objects.count() == 2
    # Her own book goes with what others have put into it.
    Page.objects.filter(pk=pages["bob"]).update(book=Book.objects.get(title="alice"))
    assert api.post(f"/{where}/alice/{what}/").status_code == 204
    assert Page.objects.count() == 0
