"""Links to rows that the caller may not see, and that are the caller's or this request's own."""

import pytest
from django.urls import path
from rest_framework import generics, serializers
from rest_framework.response import Response

from api_guard import ANY_OBJECT, STAFF, guard
from tests.objects.models import Book, Page

RW = {"read": "notes:read", "write": "notes:write"}


class BookSerializer(serializers.ModelSerializer):
    class Meta:
        model = Book
        fields = ["id", "title"]


class PageSerializer(serializers.ModelSerializer):
    class Meta:
        model = Page
        fields = ["id", "title", "book"]


@guard(read="books:read", write=STAFF, objects=ANY_OBJECT)
class Books(generics.ListCreateAPIView):
    queryset = Book.objects.all()
    serializer_class = BookSerializer


@guard(**RW, owner="book__owner")
class Pages(generics.ListCreateAPIView):
    """The client names the book."""

    queryset = Page.objects.all()
    serializer_class = PageSerializer


@guard(**RW, owner="book__owner")
class OwnBook(Pages):
    """The view finds the caller's book, or makes one."""

    def perform_create(self, serializer):
        book, _ = Book.objects.get_or_create(owner=self.request.user, defaults={"title": "made"})
        serializer.save(book=book)


class Coded(generics.GenericAPIView):
    """The code of the view sets the book, as it could set any."""

    queryset = Page.objects.all()
    serializer_class = PageSerializer

    def post(self, request):
        Page(title="t", author=request.user, book_id=request.data["book"]).save()
        return Response(status=201)

    def patch(self, request):
        page = self.get_queryset().get()
        page.book_id = request.data["book"]
        page.save()
        return Response()


by_book = guard(**RW, owner="book__owner")(type("ByBook", (Coded,), {}))
# Here the book says nothing of the owner.
by_author = guard(**RW, owner="author")(type("ByAuthor", (Coded,), {}))


@guard(**RW, owner="book__owner")
class Updated(generics.GenericAPIView):
    queryset = Page.objects.all()
    serializer_class = PageSerializer

    def post(self, request):
        self.get_queryset().update(book=request.data["book"])
        return Response(status=201)


class PageOfBook(serializers.ModelSerializer):
    class Meta:
        model = Page
        fields = ["id", "title"]


class BookWithPages(serializers.ModelSerializer):
    pages = PageOfBook(many=True)

    class Meta:
        model = Book
        fields = ["id", "title", "pages"]

    def create(self, validated_data):
        pages = validated_data.pop("pages")
        book = Book.objects.create(owner=self.context["request"].user, **validated_data)
        for page in pages:
            Page.objects.create(book=book, **page)
        if self.context["request"].query_params:
            Page.objects.create(book_id=self.context["request"].query_params["also"], title="a")
        return book


@guard(read="books:read", write=STAFF, objects=ANY_OBJECT)
class Nested(generics.ListCreateAPIView):
    queryset = Book.objects.all()
    serializer_class = BookWithPages


urlpatterns = [
    path("nested", Nested.as_view()),
    path("books", Books.as_view()),
    path("pages", Pages.as_view()),
    path("own", OwnBook.as_view()),
    path("book", by_book.as_view()),
    path("author", by_author.as_view()),
    path("updated", Updated.as_view()),
]
pytestmark = [pytest.mark.django_db, pytest.mark.urls(__name__)]


@pytest.fixture
def books(alice, bob):
    return [Book.objects.create(owner=owner, title=owner.username) for owner in (alice, bob)]


@pytest.fixture
def signed_in(api, alice, give):
    give(alice, *RW.values())
    api.force_authenticate(alice)
    return api


@pytest.mark.parametrize(
    ("url", "own", "foreign"),
    [
        ("book", 201, 403),
        ("updated", 201, 403),
        # A link to a row that the caller may not see, and that makes nothing the caller's.
        ("author", 403, 403),
        # A client cannot name a row that it may not see.
        ("pages", 400, 400),
    ],
)
def test_the_link_by_which_a_row_is_the_callers_may_lead_to_any_row_of_the_caller(
    signed_in, books, url, own, foreign
):
    mine, theirs = books
    for book, status in ((mine, own), (theirs, foreign)):
        answer = signed_in.post(f"/{url}", {"title": "t", "book": book.pk}, format="json")
        assert answer.status_code == status, book
    assert not Page.objects.filter(book=theirs).exists()


def test_a_view_may_find_or_make_the_row_by_which_a_row_is_the_callers(signed_in, alice):
    for _ in range(2):
        assert signed_in.post("/own", {"title": "t"}, format="json").status_code == 201
    assert Page.objects.filter(book__owner=alice).count() == 2


def test_a_row_moves_among_the_callers_and_not_to_another(signed_in, alice, books):
    mine, theirs = books
    other = Book.objects.create(owner=alice, title="other")
    page = Page.objects.create(title="t", book=mine)
    for book, status in ((other, 200), (theirs, 403), (mine, 200)):
        answer = signed_in.patch("/book", {"book": book.pk}, format="json")
        assert answer.status_code == status
    page.refresh_from_db()
    assert page.book == mine
    assert signed_in.get("/books").status_code == 403


def test_a_row_may_point_to_one_that_the_same_request_has_made(api, staff, books):
    """The staff may write here, and read books nowhere."""
    api.force_authenticate(staff)
    body = {"title": "new", "pages": [{"title": "one"}, {"title": "two"}]}
    assert api.get("/nested").status_code == 403
    assert api.post("/nested", body, format="json").status_code == 201
    assert Page.objects.filter(book__title="new").count() == 2
    mine, _ = books
    body["title"] = "newer"
    assert api.post(f"/nested?also={mine.pk}", body, format="json").status_code == 403
