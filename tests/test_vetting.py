"""What the object rule asks of memory, of the written row, and of no one."""

from __future__ import annotations

import pickle
from contextlib import suppress

import pytest
from django.contrib.auth import get_user_model
from django.db import IntegrityError, OperationalError, connection, transaction
from django.db.models import Exists, F, OuterRef, Q, Value
from django.db.models.functions import Cast
from django.db.models.signals import pre_delete
from django.http import HttpResponseRedirect
from django.urls import path
from rest_framework import generics, serializers, viewsets
from rest_framework.exceptions import APIException
from rest_framework.permissions import BasePermission
from rest_framework.renderers import AdminRenderer
from rest_framework.request import Request, clone_request
from rest_framework.response import Response
from rest_framework.test import APIRequestFactory, force_authenticate

from api_guard import ANY_OBJECT, guard, unheld
from api_guard.access.endpoints import endpoints, listing
from api_guard.access.vetting import saving
from api_guard.exceptions import HiddenObject, Unsealed
from tests.objects.keys import continue_keys
from tests.objects.models import (
    Audit,
    Book,
    Code,
    Comment,
    Diary,
    Document,
    Entry,
    Label,
    LongPage,
    Page,
    Tag,
    Ticket,
)

RW = {"read": "notes:read", "write": "notes:write"}
own = guard(**RW, owner="author")
ROUTES = []


def at(where, *actions):
    def route(view):
        ROUTES.append(path(where, view.as_view(*actions) if isinstance(view, type) else view))
        return view

    return route


class PageSerializer(serializers.ModelSerializer):
    class Meta:
        model = Page
        fields = ["id", "title", "author", "book"]


class OfPages(generics.GenericAPIView):
    queryset = Page.objects.all()
    serializer_class = PageSerializer


class Does(OfPages):
    """Does what the test says."""

    does = staticmethod(lambda view, request: None)

    def post(self, request):
        return type(self).does(self, request) or Response()

    get = post


@at("owner/")
@own
class ByOwner(Does):
    pass


@at("longer/")
@guard(**RW, owner="book__owner")
class ByLonger(Does):
    pass


@at("function/")
@guard(**RW, objects=lambda caller: Q(author=caller.user_id))
class ByFunction(Does):
    pass


@at("exists/")
@guard(
    **RW,
    objects=lambda caller: Q(
        Exists(Comment.objects.filter(page=OuterRef("pk"), author=caller.user_id))
    ),
)
class ByExists(Does):
    pass


@at("expression/")
@guard(**RW, objects=lambda caller: Q(author=Cast(Value(caller.user_id), Page._meta.pk)))
class ByExpression(Does):
    pass


@at("longs/")
@own
class OfLongPages(Does):
    queryset = LongPage.objects.all()


@at("kept/")
@guard(**RW, owner="author", keep=lambda caller: Q(title__startswith="ok"))
class Kept(Does):
    pass


@at("documents/")
@guard(**RW, owner="members", related={"members": ANY_OBJECT})
class Documents(Does):
    queryset = Document.objects.all()


@at("free/")
@guard(**RW)
class Free(Does):
    queryset = None


@at("unknown/")
@own
class Unknown(Does):
    queryset = None
    serializer_class = None


@at("books/")
@guard(**RW, owner="owner")
class Books(Does):
    queryset = Book.objects.all()


@at("answers/")
@own
class AnswersByItself(OfPages):
    def dispatch(self, request, *args, **kwargs):
        self.args, self.kwargs = args, kwargs
        self.request = self.initialize_request(request, *args, **kwargs)
        self.headers = self.default_response_headers
        self.initial(self.request, *args, **kwargs)
        response = Response(request.GET.get("say", []))
        return self.finalize_response(self.request, response)


urlpatterns = ROUTES
pytestmark = [pytest.mark.django_db, pytest.mark.urls(__name__)]


@pytest.fixture
def bob(django_user_model):
    return django_user_model.objects.create_user(pk=2, username="bob")


@pytest.fixture
def api(api, django_user_model, bob, give):
    alice = django_user_model.objects.create_user(pk=1, username="alice")
    give(alice, "notes:read", "notes:write")
    for pk, user in ((1, alice), (2, bob)):
        Book.objects.create(pk=pk, owner=user, title=user.username)
        Page.objects.create(pk=pk, author=user, book_id=pk, title=user.username)
        Document.objects.create(pk=pk, title=user.username).members.set([user])
    continue_keys()
    return api.by_session(alice)


@pytest.fixture
def do(api, monkeypatch):
    """Have a view do something, and return the status and the code of its answer."""

    def do(where, does, method="post"):
        view = next(each.callback.cls for each in ROUTES if str(each.pattern) == where)
        monkeypatch.setattr(view, "does", staticmethod(does))
        response = getattr(api, method)(f"/{where}")
        body = response.json() if response.status_code >= 400 else None
        code = body.get("code") if isinstance(body, dict) else None
        return response.status_code, code

    return do


OUTSIDE = (403, "outside_your_objects")
UNCHECKED = (403, "unchecked_object")
DONE = (200, None)


def page(**values):
    return lambda view, request: Page.objects.create(**values) and None


def changed(**values):
    def does(view, request):
        found = Page.objects.get(pk=1)
        for name, value in values.items():
            setattr(found, name, value)
        found.save()

    return does


def saved(*fields, **values):
    def does(view, request):
        found = Page.objects.defer(*values).get(pk=1)
        for name, value in values.items():
            setattr(found, name, value)
        found.save(update_fields=fields)

    return does


MEMORY = [
    ("owner/", page(title="x", author_id=1), DONE),
    ("owner/", page(title="x", author_id="1"), DONE),
    ("owner/", page(title="x", author_id=2), OUTSIDE),
    ("owner/", page(title="x", author_id=None), OUTSIDE),
    ("owner/", page(title="x"), OUTSIDE),
    ("owner/", changed(title="x"), DONE),
    ("owner/", changed(author_id=2), OUTSIDE),
    ("owner/", changed(author_id=F("author_id")), DONE),
    ("owner/", changed(author_id=Value(2)), OUTSIDE),
    ("owner/", saved("title", title="x"), DONE),
    ("owner/", saved("title", author_id=2), DONE),
    ("owner/", saved("author", author_id=2), OUTSIDE),
    ("owner/", saved("author_id", author_id=2), OUTSIDE),
    ("longer/", page(title="x", book_id=1), DONE),
    ("longer/", page(title="x", book_id=2), OUTSIDE),
    ("longer/", page(title="x"), OUTSIDE),
    ("longer/", changed(title="x"), DONE),
    ("longer/", changed(book_id=2), OUTSIDE),
    ("longer/", changed(book_id=None), OUTSIDE),
    ("function/", page(title="x", author_id=1), DONE),
    ("function/", page(title="x", author_id=2), OUTSIDE),
    ("function/", changed(author_id=2), OUTSIDE),
    ("exists/", page(title="x", author_id=1), OUTSIDE),
    ("expression/", page(title="x", author_id=1), DONE),
    ("kept/", changed(title="ok"), DONE),
    ("kept/", changed(title="no"), OUTSIDE),
]


@pytest.mark.parametrize(("where", "does", "answer"), MEMORY)
def test_what_is_written_is_judged_by_the_row_as_it_will_be(do, where, does, answer):
    before = list(Page.objects.order_by("pk").values_list("author", "book"))
    assert do(where, does) == answer
    if answer == OUTSIDE:
        assert list(Page.objects.order_by("pk").values_list("author", "book")) == before


def test_a_row_that_was_handed_over_may_be_saved_again_in_the_same_request(do):
    def does(view, request):
        found = view.get_queryset().get(pk=1)
        found.title = "ok"
        found.save()
        found.title = "ok, twice"
        found.save()

    assert do("kept/", does) == DONE


def test_the_tables_of_one_object_are_stored_or_refused_together(do):
    def does(author):
        return lambda view, request: LongPage.objects.create(author_id=author, title="x") and None

    assert do("function/", does(2)) == OUTSIDE
    assert do("longs/", does(2)) == OUTSIDE
    assert not LongPage.objects.exists()
    assert not Page.objects.filter(title="x").exists()
    assert do("longs/", does(1)) == DONE
    assert do("function/", does(1)) == DONE


def test_a_save_that_fails_leaves_the_instance_as_any_other(do):
    def does(view, request):
        book = Book(owner_id=1, title="alice")
        with suppress(IntegrityError), transaction.atomic():
            book.save()
        assert "_save_table" not in vars(book)
        book.title = "another"
        book.save()

    assert do("books/", does) == DONE


def test_an_instance_that_outlives_its_request_is_free(do):
    kept = []

    def does(view, request):
        found = view.get_queryset().get(pk=1)
        saving.before_save(Page, found, "default")
        kept.append(found)

    assert do("owner/", does) == DONE
    kept[0].author_id = 2
    kept[0].save()
    assert Page.objects.get(pk=1).author_id == 2


def test_a_save_that_passes_its_judge_by_is_refused(do, monkeypatch, caplog):
    def does(view, request):
        found = view.get_queryset().get(pk=1)
        vars(found)  # a model that saves in some other way than Django's
        saving.before_save(Page, found, "default")
        saving.after_save(Page, found)

    assert do("owner/", does) == (403, "rule_failed")
    assert "_save_table()" in caplog.text


def rows_of(model, **found):
    return lambda view, request: model.objects.filter(**found).delete() and None


DELETES = [
    ("owner/", lambda view, request: view.get_queryset().delete() and None, DONE),
    ("owner/", rows_of(Page, pk=1), DONE),
    ("owner/", rows_of(Page, pk=2), OUTSIDE),
    ("owner/", rows_of(Page), OUTSIDE),
    ("owner/", rows_of(Book, pk=2), OUTSIDE),  # its pages cascade
    ("owner/", lambda view, request: Page(pk=2).delete() and None, OUTSIDE),
    ("free/", rows_of(Page, pk=2), DONE),
    ("books/", rows_of(Book, pk=1), DONE),
    ("books/", rows_of(Book), OUTSIDE),
]


@pytest.mark.parametrize(("where", "does", "answer"), DELETES)
def test_a_delete_is_judged_at_its_origin(do, where, does, answer):
    before = Page.objects.count(), Book.objects.count()
    assert do(where, does) == answer
    if answer == OUTSIDE:
        assert (Page.objects.count(), Book.objects.count()) == before


def update(**values):
    def does(view, request):
        view.get_queryset().update(**values)

    return does


UPDATES = [
    ("owner/", update(author=1), DONE),
    ("owner/", update(title="x"), DONE),
    ("owner/", update(author=2), OUTSIDE),
    ("owner/", update(author=None), OUTSIDE),
    ("owner/", update(author=F("author")), DONE),
    ("longer/", update(title="x"), DONE),
    ("function/", update(title="x"), DONE),
    ("owner/", lambda v, r: Page.objects.filter(pk=1).update(title="x") and None, UNCHECKED),
    ("owner/", lambda v, r: Page.objects.bulk_create([Page(title="x")]) and None, UNCHECKED),
]


@pytest.mark.parametrize(("where", "does", "answer"), UPDATES)
def test_an_update_hands_nothing_over_and_waits_for_the_rule(do, where, does, answer):
    before = list(Page.objects.order_by("pk").values_list("author", "title"))
    assert do(where, does) == answer
    if answer != DONE:
        assert list(Page.objects.order_by("pk").values_list("author", "title")) == before


def test_what_is_not_held_is_written_and_said(do, caplog):
    def does(view, request):
        Audit.objects.create(text="kept")
        Page.objects.count()

    assert do("owner/", does) == UNCHECKED
    assert Audit.objects.get().text == "kept"
    assert "Already written: objects_audit." in caplog.text

    def lifted(view, request):
        view.get_queryset().exists()
        with unheld(Page, why="a counter"):
            Page.objects.filter(pk=2).update(views=F("views") + 1)
            Page.objects.get(pk=2).save()

    assert do("owner/", lifted) == DONE


ANSWERS = [
    (lambda v, r: Response([]), DONE),
    (lambda v, r: Response({"count": 0, "results": []}), DONE),
    (lambda v, r: Response({"found": False}), UNCHECKED),
    (lambda v, r: Response("text"), UNCHECKED),
    (lambda v, r: Response(Page.objects.filter(pk=1).count() and []), UNCHECKED),
    (lambda v, r: Response(Page.objects.get(pk=1).title), DONE),
    (lambda v, r: HttpResponseRedirect("/elsewhere/"), (302, None)),
    (lambda v, r: Page.objects.count() and HttpResponseRedirect("/elsewhere/"), UNCHECKED),
    (lambda v, r: Response(Page.objects.get(pk=2).title), UNCHECKED),
    (lambda v, r: Response([Page(title="made").title]), UNCHECKED),
]


@pytest.mark.parametrize(("does", "answer"), ANSWERS)
def test_an_answer_without_the_rule_passes_where_it_shows_nothing_of_a_stranger(do, does, answer):
    assert do("owner/", does, "get") == answer


def test_a_view_of_an_unknown_model_is_held_to_what_it_was_asked_of(do):
    assert do("unknown/", lambda v, r: Response([]), "get") == DONE
    assert do("unknown/", lambda v, r: Response([])) == UNCHECKED

    def checked(pk):
        def does(view, request):
            found = Page.objects.get(pk=pk)
            view.check_object_permissions(request, found)
            found.author_id = 2
            found.save()

        return does

    assert do("unknown/", checked(2))[0] == 404
    assert do("unknown/", checked(1)) == OUTSIDE
    assert do("unknown/", lambda v, r: v.check_object_permissions(r, "no model"))[0] == 404


def test_the_answer_of_a_dispatch_that_calls_no_handler_is_held_too(api):
    assert api.get("/answers/").status_code == 200
    assert api.get("/answers/?say=something").json()["code"] == "unchecked_object"


def test_members_stay_among_themselves(do):
    def change(how):
        def does(view, request):
            document = view.get_queryset().get(pk=1)
            how(document.members)

        return does

    assert do("documents/", change(lambda members: members.add(2))) == DONE
    assert do("documents/", change(lambda members: members.remove(2))) == DONE
    assert do("documents/", change(lambda members: members.remove(1))) == OUTSIDE
    assert do("documents/", change(lambda members: members.clear())) == OUTSIDE
    assert do("documents/", change(lambda members: members.set([2]))) == OUTSIDE
    assert list(Document.objects.get(pk=1).members.all()) == [get_user_model().objects.get(pk=1)]


def test_a_document_without_members_is_not_anybody_s_to_join(do):
    def does(view, request):
        document = Document.objects.create(title="new")
        document.members.add(2)

    assert do("documents/", does) == OUTSIDE


def test_whoever_is_hidden_is_hidden_to_django_and_to_drf():
    assert issubclass(HiddenObject, APIException)


def test_a_mark_says_nothing_once_it_was_pickled_or_widened(do):
    def does(view, request):
        narrowed = view.get_queryset()
        assert [each.pk for each in pickle.loads(pickle.dumps(narrowed.all()))] == [1]
        revived = Page.objects.all()
        revived.query = pickle.loads(pickle.dumps(narrowed.query))
        assert [each.pk for each in revived] == [1]
        widened = narrowed | Page.objects.all()
        assert len(view.filter_queryset(widened)) == 1
        assert len(view.filter_queryset(narrowed.order_by().union(narrowed.order_by()))) == 1
        assert len(view.filter_queryset(narrowed.exclude(pk=99)[:5])) == 1

    assert do("owner/", does) == DONE


def test_the_listing_says_what_may_be_left_behind_and_whose_fields_are_narrowed():
    rows = {(row.path, row.method): row.objects for row in listing(endpoints())}
    assert rows["/kept/", "POST"].startswith("owner=author, keep(objects=<lambda>)")
    assert "book<tests.test_vetting.Books" in rows["/owner/", "POST"]
    [read] = {said for (at, method), said in rows.items() if at == "/owner/" and "GET" in method}
    assert read == "owner=author"


def test_every_unheld_is_listed(capsys):
    from django.core.management import call_command

    call_command("guard_endpoints", "--unheld")
    printed = capsys.readouterr().out
    assert "tests.test_vetting:" in printed
    assert "Page  a counter" in printed
    assert "api_guard." not in printed


# Serializers of every kind, and rules of other views.


class CommentSerializer(serializers.ModelSerializer):
    class Meta:
        model = Comment
        fields = ["id", "text", "author", "page"]


@at("comments/")
@guard(**RW, objects=lambda caller: Q(author=caller.user_id))
class Comments(Does):
    queryset = Comment.objects.all()


@at("diaries/")
@guard(**RW, owner="user")
class Diaries(Does):
    queryset = Diary.objects.all()


@at("entries/")
@guard(**RW)
class Entries(Does):
    queryset = Entry.objects.all()


@at("tickets/")
@guard(**RW, owner="author", hold="everywhere")
class Tickets(Does):
    queryset = Ticket.objects.all()


@at("audits/")
@guard(read="audit:read", write="audit:read", objects=lambda caller: ANY_OBJECT)
class Audits(Does):
    queryset = Audit.objects.all()


@at("nobody/")
@guard(**RW, objects=lambda caller: None)
class Nobody(Does):
    queryset = Tag.objects.all()


@at("raising/")
@guard(**RW, objects=lambda caller: 1 / 0)
class Raising(Does):
    queryset = Code.objects.all()


@at("everybody/")
@guard(**RW, objects=lambda caller: ANY_OBJECT if caller.user_id else None)
class Everybody(Does):
    queryset = Code.objects.all()


@at("long-function/")
@guard(**RW, objects=lambda caller: Q(author=caller.user_id))
class LongByFunction(Does):
    queryset = LongPage.objects.all()


@at("link/")
@guard(**RW, owner="page_ptr__author")
class ByParentLink(Does):
    queryset = LongPage.objects.all()


@at("other-model/")
@own
class OtherModel(Does):
    def get_queryset(self):
        return Document.objects.all()


@at("no-object/")
@own
class NoObject(Does):
    def get_object(self):
        return {"made": "up"}


def tree_of(model_class, source, named):
    """Make a serializer that nests the rows of another model, and writes them."""
    meta = {"model": model_class, "fields": [*named, "pk"]}
    extra = {name: {"required": False} for name in named}
    inner = type(
        "Inner",
        (serializers.ModelSerializer,),
        {
            "pk": serializers.IntegerField(required=False),
            "Meta": type("Meta", (), {**meta, "extra_kwargs": extra}),
        },
    )

    def update(self, book, validated):
        for each in validated.pop("rows"):
            pk = each.pop("pk", None)
            row = model_class(**each) if pk is None else model_class.objects.get(pk=pk)
            for name, value in each.items():
                setattr(row, name, value)
            row.save()
        return super(tree, self).update(book, validated)

    tree = type(
        "Tree",
        (serializers.ModelSerializer,),
        {
            "rows": inner(many=True),
            "update": update,
            "Meta": type("Meta", (), {"model": Book, "fields": ["rows"]}),
        },
    )
    return tree


def nest(model, *rows):
    def does(view, request):
        named = list(rows[0].keys() - {"pk"})
        found = view.get_queryset().get(pk=1)
        tree = tree_of(model, "rows", named)
        serializer = tree(found, data={"rows": list(rows)})
        serializer.is_valid(raise_exception=True)
        serializer.save()

    return does


NESTED = [
    (Comment, {"text": "x", "page": 1, "author": 1}, DONE),
    (Comment, {"text": "x", "page": 1, "author": 2}, OUTSIDE),
    (Comment, {"text": "x", "pk": 1}, DONE),
    (Comment, {"text": "x", "pk": 2}, OUTSIDE),
    (Page, {"title": "x"}, DONE),
    (Page, {"title": "x", "pk": 2}, OUTSIDE),
    (Audit, {"text": "x"}, OUTSIDE),
    (Ticket, {"title": "x", "author": 2}, OUTSIDE),
    (Code, {"secret": "x", "user": 2}, DONE),
]


@pytest.mark.parametrize(("model", "row", "answer"), NESTED)
def test_what_a_serializer_nests_is_held_to_the_rules_of_other_views(do, model, row, answer):
    for pk in (1, 2):
        Comment.objects.create(pk=pk, page_id=pk, author_id=pk, text="old")
    continue_keys()
    before = model.objects.count()
    assert do("books/", nest(model, row)) == answer
    if answer == OUTSIDE:
        assert model.objects.count() == before
    if model is Page and "pk" not in row:
        assert Page.objects.get(title="x").author_id == 1


def test_a_nested_model_without_a_rule_is_free(do, monkeypatch):
    from api_guard.access.vetting.deleting import watch_deletes

    watch_deletes(Entry)  # as a view of another URLconf may have it
    diary = Diary.objects.create(user_id="alice", title="hers")
    entry = Entry.objects.create(diary=diary)

    def does(view, request):
        nest(Entry, {"pk": entry.pk, "diary": "hers"})(view, request)
        Entry.objects.filter(pk=entry.pk).delete()

    assert do("books/", does) == DONE
    assert not Entry.objects.exists()


def test_keys_other_than_the_primary_one_are_understood(do):
    for name in ("alice", "bob"):
        Diary.objects.create(user_id=name, title=name)
    made = lambda name: lambda v, r: Diary.objects.create(user_id=name, title="new") and None  # noqa: E731
    assert do("diaries/", made("bob")) == OUTSIDE
    assert do("diaries/", made("alice")) == DONE
    entry = lambda title: lambda v, r: Entry.objects.create(diary_id=title) and None  # noqa: E731
    assert do("entries/", entry("bob")) == OUTSIDE
    assert do("entries/", entry("alice")) == DONE


def test_a_key_that_came_as_text_is_the_number_that_is_stored(do):
    def check(key):
        return lambda view, request: view.check_object_permissions(request, Page(pk=key))

    assert do("owner/", check("1")) == DONE
    assert do("owner/", check("2"))[0] == 404
    assert do("owner/", check(None)) == DONE  # made in this request, and not stored
    assert do("owner/", lambda v, r: Page(pk="1", author_id="me", title="x").save()) == OUTSIDE


def test_everywhere_is_everywhere(do, bob):
    his = Ticket.objects.create(author=bob, title="his")
    hers = Ticket.objects.create(author_id=1, title="hers")
    gone = lambda ticket: lambda v, r: Ticket.objects.get(pk=ticket.pk).delete() and None  # noqa: E731
    assert do("free/", gone(his)) == OUTSIDE
    assert do("free/", gone(hers)) == DONE
    rows = {row.path: row.objects for row in listing(endpoints()) if "POST" in row.method}
    assert rows["/tickets/"].startswith("owner=author, everywhere")


def test_whoever_may_touch_all_or_nothing_is_asked_no_more(do, bob):
    code = Code.objects.create(user=bob, secret="his")
    tag = Tag.objects.create(owner_id=1, name="hers")
    assert do("everybody/", rows_of(Code, pk=code.pk)) == DONE
    assert do("nobody/", rows_of(Tag, pk=tag.pk)) == OUTSIDE
    check = lambda view, request: view.check_object_permissions(request, tag)  # noqa: E731
    assert do("nobody/", check)[0] == 404
    assert Tag.objects.exists()


def test_a_parent_without_a_row_of_the_view_s_model_is_not_judged(do):
    long = LongPage.objects.create(author_id=2, title="his")

    def rename(pk):
        def does(view, request):
            found = Page.objects.get(pk=pk)
            found.title = "x"
            found.save()

        return does

    assert do("long-function/", rename(2)) == DONE
    assert do("long-function/", rename(long.pk)) == OUTSIDE
    shown = lambda pk: lambda v, r: Response(v.get_serializer(Page.objects.get(pk=pk)).data)  # noqa: E731
    assert do("long-function/", shown(2)) == DONE
    assert do("long-function/", shown(long.pk))[0] == 404
    made = lambda author: lambda v, r: LongPage.objects.create(author_id=author, title="x") and None  # noqa: E731
    assert do("link/", made(2)) == OUTSIDE
    assert do("link/", made(1)) == DONE


def test_a_rule_of_another_view_that_raises_allows_nothing_and_stops_nobody(do, caplog):
    def does(view, request):
        nest(Code, {"secret": "x", "user": 1})(view, request)

    assert do("books/", does) == DONE
    assert "raised, and allows nothing" in caplog.text


def test_a_database_that_fails_a_rule_of_another_view_is_unavailable(do, give, monkeypatch):
    alice = get_user_model().objects.get(pk=1)

    def down(caller):
        raise OperationalError("down")

    monkeypatch.setitem(Audits._api_guard_policy.objects, "", down)
    give(alice, "audit:read")
    assert do("books/", nest(Audit, {"text": "x"}))[0] == 503


def test_a_view_shows_what_it_returns_though_no_rule_is_about_it(do):
    Document.objects.create(pk=9, title="d")
    show = lambda v, r: Response(list(v.get_queryset().values_list("pk", flat=True)) and [])  # noqa: E731
    assert do("other-model/", show, "get") == DONE
    assert do("no-object/", lambda v, r: Response([] if v.get_object() else None), "get") == DONE
    values = lambda v, r: Response([*v.filter_queryset(Page.objects.values("pk"))] and [])  # noqa: E731
    assert do("owner/", values, "get") == DONE
    assert OfPages().get_serializer_class() is PageSerializer


def test_a_serializer_may_be_given_a_manager_and_be_bound_twice(do):
    def does(view, request):
        book = Book.objects.get(pk=1)
        shown = PageSerializer(book.pages, many=True).data
        field = PageSerializer().fields["book"]
        field.bind(field_name="again", parent=field.parent)
        assert [each.pk for each in field.get_queryset()] == [1]
        return Response(shown and [])

    assert do("owner/", does, "get") == DONE


def test_a_serializer_without_fields_has_nothing_to_hold(do):
    class Echo(serializers.BaseSerializer):
        def to_internal_value(self, data):
            return data

        def create(self, validated):
            return Page.objects.create(author_id=validated["author"], title="x")

    def does(author):
        def does(view, request):
            serializer = Echo(data={"author": author})
            serializer.is_valid(raise_exception=True)
            serializer.save()

        return does

    assert do("owner/", does(1)) == DONE
    assert do("owner/", does(2)) == OUTSIDE


def test_a_view_that_says_no_model_is_about_what_its_serializer_writes(do):
    def does(author):
        def does(view, request):
            serializer = PageSerializer(data={"title": "x", "author": author, "book": 1})
            serializer.is_valid(raise_exception=True)
            serializer.save()

        return does

    assert do("unknown/", does(1)) == DONE
    assert do("unknown/", does(2)) == OUTSIDE
    assert do("unknown/", lambda v, r: nest(Book, {"title": "x"}) and Response([]), "get") == DONE


class Labels(serializers.ModelSerializer):
    labels = serializers.PrimaryKeyRelatedField(many=True, queryset=Label.objects.all())
    tags = serializers.PrimaryKeyRelatedField(many=True, queryset=Tag.objects.all())

    class Meta:
        model = Page
        fields = ["labels", "tags"]


def test_what_a_field_names_from_its_far_side_is_written(do):
    tag = Tag.objects.create(owner_id=1, name="hers")

    def does(view, request):
        serializer = Labels(view.get_queryset().get(pk=1), data={"labels": [], "tags": [tag.pk]})
        return Response([] if not serializer.is_valid() else "valid")

    assert do("owner/", does, "get") == DONE  # no view shows a tag to anybody

    def by_hand(view, request):
        view.get_queryset().get(pk=1).tags.add(tag)

    assert do("owner/", by_hand) == OUTSIDE


class ManyPages(serializers.ModelSerializer):
    author_id = serializers.IntegerField()

    class Meta:
        model = Page
        fields = ["title", "author_id"]

    def create(self, validated):
        if validated["title"] == "bad":
            raise serializers.ValidationError("bad")
        return super().create(validated)


def many(*rows):
    def does(view, request):
        serializer = ManyPages(
            data=[dict(zip(("title", "author_id"), row, strict=True)) for row in rows], many=True
        )
        serializer.is_valid(raise_exception=True)
        serializer.save()

    return does


@pytest.mark.parametrize("where", ["owner/", "function/"])
def test_many_rows_are_stored_or_refused_together_and_an_error_keeps_what_it_kept(do, where):
    before = Page.objects.count()
    assert do(where, many(("a", 1), ("b", 2))) == OUTSIDE
    assert Page.objects.count() == before
    assert do(where, many(("a", 1), ("bad", 1)))[0] == 400
    assert Page.objects.count() == before + 1
    assert do(where, many(("b", 1), ("c", 1))) == DONE
    assert Page.objects.count() == before + 3


def test_a_bug_in_the_middle_of_many_rows_stays_a_bug(do, api, monkeypatch):
    def broken(self, validated):
        raise ZeroDivisionError

    monkeypatch.setattr(ManyPages, "create", broken)
    with pytest.raises(ZeroDivisionError):
        do("function/", many(("a", 1), ("b", 1)))


def test_a_transaction_that_was_broken_before_the_refusal_stays_so(do):
    def does(view, request):
        with suppress(IntegrityError):
            Book.objects.create(owner_id=1, title="alice")
        Page(author_id=2, title="x").save()

    with transaction.atomic():
        assert do("owner/", does) == OUTSIDE
        assert connection.needs_rollback
        transaction.set_rollback(True)


def test_a_label_without_a_target_is_no_link(do):
    from django.contrib.contenttypes.models import ContentType

    kind = ContentType.objects.get_for_model(Page)

    class LabelSerializer(serializers.ModelSerializer):
        class Meta:
            model = Label
            fields = ["text"]

    def does(view, request):
        label = Label.objects.create(text="x", content_type=kind, object_id=1)
        serializer = LabelSerializer(label, data={"text": "y"})
        serializer.is_valid(raise_exception=True)
        serializer.save()
        label.object_id = None
        label.save(update_fields=["text"])

    assert do("free/", does) == DONE


def test_what_cannot_be_read_holds_nothing(monkeypatch, capsys):
    import sys
    from types import ModuleType

    from django.core.management import call_command

    ghost = ModuleType("tests.ghost")
    ghost.__file__ = "/nowhere/ghost.py"
    monkeypatch.setitem(sys.modules, "tests.ghost", ghost)
    call_command("guard_endpoints", "--unheld")
    assert "ghost" not in capsys.readouterr().out


class TitleSerializer(serializers.ModelSerializer):
    class Meta:
        model = Page
        fields = ["title"]


class WithAdmin(viewsets.ModelViewSet):
    queryset = Page.objects.all()
    serializer_class = TitleSerializer
    renderer_classes = [AdminRenderer]


@pytest.mark.parametrize(("read", "is_shown"), [("notes:read", True), ("audit:read", False)])
def test_a_renderer_shows_the_list_beside_the_errors_of_a_form_to_whoever_may_see_it(
    api, read, is_shown
):
    view = guard(read=read, write="notes:write", owner="author")(WithAdmin)
    request = APIRequestFactory().post("/", {"title": ""}, format="multipart")
    force_authenticate(request, get_user_model().objects.get(pk=1))
    response = view.as_view({"get": "list", "post": "create"})(request)
    assert response.status_code == 400
    page = response.render().content.decode()
    assert ("<td" in page and "alice" in page.partition("<td")[2]) is is_shown
    assert "bob" not in page


@at("afterwards/")
@guard(read="audit:read", write="notes:write")
class Afterwards(Does):
    """Calls another handler after the decided one, on behalf of somebody who may not call it."""

    def get(self, request):
        return Response("read")

    def finalize_response(self, request, response, *args, **kwargs):
        with suppress(Unsealed):
            response = self.get(clone_request(request, "GET"))
        return super().finalize_response(request, response, *args, **kwargs)


def test_another_handler_after_the_decided_one_is_for_whoever_may_call_it(api, give):
    assert api.post("/afterwards/").content == b""
    give(get_user_model().objects.get(pk=1), "audit:read")
    assert api.post("/afterwards/").json() == "read"


# Own dispatches, and what a statement sets.


@at("dispatches/")
@guard(**RW)
class Dispatches(OfPages):
    """Hands its handler another request than the one that was decided."""

    hands = staticmethod(lambda request: request)

    def dispatch(self, request, *args, **kwargs):
        self.args, self.kwargs, self.headers = args, kwargs, {}
        self.request = request = self.initialize_request(request, *args, **kwargs)
        try:
            self.initial(request, *args, **kwargs)
            response = self.get(type(self).hands(request))
        except APIException as error:
            response = self.handle_exception(error)
        return self.finalize_response(request, response, *args, **kwargs)

    def get(self, request):
        return Response("read")


def another_method(request):
    request.method = "PUT"
    return request


HANDED = [
    (lambda request: request, 200),
    (lambda request: request._request, 200),
    (lambda request: clone_request(request, "GET"), 200),
    (another_method, 403),
    (lambda request: Request(APIRequestFactory().get("/")), 403),
]


@pytest.mark.parametrize(("hands", "status"), HANDED)
def test_a_handler_gets_the_request_that_was_decided(api, monkeypatch, hands, status):
    monkeypatch.setattr(Dispatches, "hands", staticmethod(hands))
    assert api.get("/dispatches/").status_code == status


def test_a_transaction_of_the_project_s_own_is_rolled_back_with_the_refusal(do):
    def does(view, request):
        with transaction.atomic(savepoint=False):
            Audit.objects.create(text="undone")
            Page(author_id=2, title="x").save()

    with transaction.atomic():
        assert do("owner/", does) == OUTSIDE
        assert connection.needs_rollback
        transaction.set_rollback(True)
    assert not Audit.objects.exists()


def test_a_key_that_is_none_names_no_row(do):
    check = lambda view, request: view.check_object_permissions(request, Page(pk="x"))  # noqa: E731
    assert do("owner/", check)[0] in (403, 404)

    def copied(view, request):
        page = Page.objects.get(pk=2)
        page.pk = None
        return Response(PageSerializer(page).data)

    assert do("owner/", copied)[0] == 404


SETS = [
    (update(book=1), DONE),
    (update(book=None), DONE),
    (update(book=F("book")), DONE),
    (update(book=2), OUTSIDE),
    (update(author=Value(2)), OUTSIDE),
]


@pytest.mark.parametrize(("does", "answer"), SETS)
def test_an_update_links_to_no_stranger_s_row(do, does, answer):
    assert do("owner/", does) == answer
    assert Page.objects.get(pk=1).book_id != 2


@at("kept-by/")
@guard(**RW, owner="author", keep="book__owner")
class KeptBy(Does):
    pass


def test_what_a_save_does_not_write_is_as_it_was(do):
    assert do("kept-by/", saved("title", title="x")) == DONE
    Page.objects.filter(pk=1).update(book=2)
    assert do("kept-by/", saved("title", title="y")) == OUTSIDE


def test_a_row_of_another_view_s_model_may_be_made_with_its_key(do):
    def does(view, request):
        nest(Comment, {"text": "x", "page": 1, "author": 1})(view, request)
        Comment(pk=77, page_id=1, author_id=1, text="made").save()
        view.get_queryset().filter(pk=1).delete()

    assert do("books/", does) == DONE


def test_a_queryset_that_came_out_of_a_cache_is_narrowed_anew(do):
    def does(view, request):
        kept = pickle.loads(pickle.dumps(view.get_queryset()))
        return Response([] if len(view.filter_queryset(kept)) == 1 else None)

    assert do("owner/", does, "get") == DONE


def test_a_serializer_can_be_made_without_a_request():
    view = ByOwner()
    view.request, view.format_kwarg = None, None
    assert "title" in view.get_serializer().fields


class ByMethod(serializers.PrimaryKeyRelatedField):
    def get_queryset(self):
        return Book.objects.all()


class WithMethod(serializers.ModelSerializer):
    book = ByMethod()

    class Meta:
        model = Page
        fields = ["book"]


@at("by-method/")
@guard(**RW)
class Methodical(Does):
    serializer_class = WithMethod


def test_a_field_whose_rows_only_a_method_tells_is_not_in_the_listing():
    [row] = [r for r in listing(endpoints()) if r.path == "/by-method/" and "POST" in r.method]
    assert row.objects == ""


def test_a_listener_hears_what_nobody_guards():
    from api_guard.access.vetting import listening

    heard, asked = [], []

    class Listener:
        def before(self, sql):
            asked.append(sql)

        def after(self, sql, context):
            heard.append(sql)

    with listening(Listener()):
        assert not Audit.objects.exists()
    assert len(heard) == 1
    assert asked == heard


def test_what_cascades_from_a_held_queryset_is_judged_with_that_queryset(do):
    def does(view, request):
        nest(Comment, {"text": "x", "page": 1, "author": 1})(view, request)
        # In whatever order Django tells of what it deletes.
        pre_delete.send(
            sender=Comment,
            instance=Comment(pk=1, author_id=2),
            using="default",
            origin=view.get_queryset().filter(pk=1),
        )

    assert do("books/", does) == DONE


def test_a_test_that_calls_initial_by_itself_is_held_to_nothing_afterwards(api, give):
    view = ByOwner()
    view.args, view.kwargs = (), {}
    request = APIRequestFactory().post("/")
    force_authenticate(request, get_user_model().objects.get(pk=1))
    view.request = view.initialize_request(request)
    view.initial(view.request)
    page = Page.objects.get(pk=2)
    page.title = "free"
    page.save()
    assert Page.objects.filter(title="free").update(author=1) == 1


@pytest.mark.parametrize(
    "switch",
    [
        lambda request: request._request,
        lambda request: clone_request(request, "GET"),
        lambda request: as_bob(clone_request(request, "POST")),
    ],
)
def test_another_request_in_the_view_changes_nothing(do, switch):
    def does(view, request):
        view.request = switch(request)
        assert [each.pk for each in view.get_queryset()] == [1]
        page = Page.objects.get(pk=2)
        page.title = "taken"
        page.save()

    assert do("owner/", does) == OUTSIDE
    assert Page.objects.get(pk=2).title == "bob"


def as_bob(request):
    request.user = get_user_model().objects.get(pk=2)
    return request


class Iterates(BasePermission):
    def has_permission(self, request, view):
        return len(view.get_queryset()) == 1


@at("permitted/")
@own
class Permitted(Does):
    permission_classes = [Iterates]


def test_what_a_permission_was_shown_does_not_stand_for_the_handler(do):
    assert do("permitted/", lambda v, r: Response(Page.objects.get(pk=2).title)) == UNCHECKED
    assert do("permitted/", lambda v, r: Response(Page.objects.get(pk=1).title)) == DONE
    assert do("permitted/", lambda v, r: Response(Page.objects.values("title"))) == UNCHECKED
