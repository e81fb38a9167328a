"""Ordinary code in which a guard is easily wrong: each was wrong once."""

import gc
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import pytest
from django.contrib.auth import get_user_model
from django.db import DatabaseError, IntegrityError, connections
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import Q
from django.http import Http404
from django.urls import path
from rest_framework import generics, serializers, viewsets
from rest_framework.authentication import BaseAuthentication, SessionAuthentication
from rest_framework.decorators import action
from rest_framework.permissions import AND, AllowAny, IsAuthenticated
from rest_framework.response import Response
from rest_framework.routers import SimpleRouter
from rest_framework.views import APIView
from rest_framework.viewsets import ModelViewSet

from api_guard import ANY_OBJECT, PUBLIC, grants, guard
from api_guard.access.ownership import leads_to_user
from api_guard.authentication import OAuth2Authentication
from tests.models import Note, Notebook

pytestmark = [pytest.mark.urls(__name__), pytest.mark.django_db]
RW = {"read": "notes:read", "write": "notes:write"}
own = guard(**RW, owner="author")
router = SimpleRouter()
urlpatterns = []


def route(view, name):
    router.register(name, view, basename=name)
    return view


def at(p):
    return lambda v: (urlpatterns.append(path(p, v.as_view())), v)[1]


class NoteS(serializers.ModelSerializer):
    class Meta:
        model = Note
        fields = ["id", "title", "author", "notebook"]
        extra_kwargs = {"author": {"required": False}}


class BookS(serializers.ModelSerializer):
    class Meta:
        model = Notebook
        fields = ["id", "title"]


class IdS(serializers.ModelSerializer):
    id = serializers.IntegerField(required=False)

    class Meta:
        model = Note
        fields = ["id", "title"]


@pytest.fixture
def a(api, alice, bob, give):
    give(alice, "notes:read", "notes:write")
    api.raise_request_exception = False
    return api.by_session(alice)


@pytest.fixture
def mine(alice, bob):
    return Note.objects.create(author=alice, title="a")


@pytest.fixture
def bobs(alice, bob, mine):
    return Note.objects.create(author=bob, title="b")


def test_a_thread_s_connection_is_let_go(alice):
    def alive():
        gc.collect()
        return sum(issubclass(type(o), BaseDatabaseWrapper) for o in gc.get_objects())

    before = alive()

    def work():
        # In SQLite's memory another thread sees no table; the statement is compiled all the same.
        with suppress(DatabaseError):
            grants.granted(alice, None)
        # Django leaves a database in memory open; the thread is to leave nothing behind.
        connections["default"].connection.close()

    for _ in range(20):
        t = threading.Thread(target=work)
        t.start()
        t.join()
    assert alive() - before == 0


@at("dash/")
@own
class Dash(generics.GenericAPIView):
    queryset = Note.objects.all()
    serializer_class = NoteS

    def get_queryset(self):
        time.sleep(0.05)  # any query does it
        return super().get_queryset()

    def get(self, request):
        with ThreadPoolExecutor() as pool:
            return Response(
                ["WHERE" in s for s in pool.map(lambda _: str(self.get_queryset().query), range(3))]
            )


def test_two_threads_of_one_handler_are_narrowed_both(a):
    assert a.get("/dash/").data == [True, True, True]


@guard(**RW, owner="notebook")  # meant: notebook__owner
class WrongOwner(ModelViewSet):
    queryset = Note.objects.all()
    serializer_class = NoteS


route(WrongOwner, "wrongowner")


def test_an_owner_that_is_no_user_owns_nothing_and_is_named(a, alice, bob):
    from django.core.checks import run_checks

    book = Notebook.objects.create(pk=alice.pk, owner=bob, title="bob's")
    Note.objects.create(notebook=book, author=bob, title="b")
    said = [m for m in run_checks() if "WrongOwner" in str(m.msg)]
    assert said or a.get("/wrongowner/").data == []


class Device(Notebook):
    class Meta:
        proxy = True
        app_label = "tests"

    is_authenticated = is_active = True


class DeviceAuth(BaseAuthentication):
    def authenticate(self, request):
        return Device.objects.get(title=request.headers["X-Key"]), "key"

    def token_scopes(self, auth):
        return ["notes:read"]

    def token_client(self, auth):
        return type(self).client

    client = None


@own
class DeviceNotes(ModelViewSet):
    queryset = Note.objects.all()
    serializer_class = NoteS
    authentication_classes = [DeviceAuth]


route(DeviceNotes, "devnotes")


@pytest.mark.parametrize("unscoped", [True, False])
def test_what_is_authenticated_and_no_user_of_the_site_is_nobody(
    api, mine, bobs, alice, give, settings, application, monkeypatch, unscoped
):
    give(bobs.author, "notes:read")
    give(application, "notes:read")
    if unscoped:
        settings.API_GUARD = {
            **settings.API_GUARD,
            "UNSCOPED_AUTHENTICATION": [f"{__name__}.DeviceAuth"],
        }
    monkeypatch.setattr(DeviceAuth, "client", application.pk)
    Device.objects.create(pk=bobs.author_id, owner=alice, title="k")
    r = api.get("/devnotes/", headers={"X-Key": "k"})
    assert r.status_code == 403 or r.data == []


@own
class IdNotes(ModelViewSet):
    queryset = Note.objects.all()
    serializer_class = IdS


route(IdNotes, "idnotes")


def test_a_patched_primary_key_takes_over_no_stranger_s_row(a, mine, bobs, bob):
    r = a.patch(f"/idnotes/{mine.pk}/", {"id": bobs.pk, "title": "taken"})
    bobs.refresh_from_db()
    assert (bobs.author, bobs.title) == (bob, "b"), (r.status_code, bobs.author, bobs.title)


class UpS(serializers.ModelSerializer):
    class Meta:
        model = Note
        fields = ["title", "is_public"]

    def create(self, v):
        return Note.objects.update_or_create(title=v.pop("title"), defaults=v)[0]


@own
class Ups(ModelViewSet):
    queryset = Note.objects.all()
    serializer_class = UpS


route(Ups, "ups")


def test_an_upsert_takes_over_no_stranger_s_row(a, bobs, bob):
    r = a.post("/ups/", {"title": "b", "is_public": True})
    bobs.refresh_from_db()
    assert (bobs.author, bobs.is_public) == (bob, False), (r.status_code, bobs.author)


class WithNotes(serializers.ModelSerializer):
    notes = serializers.PrimaryKeyRelatedField(
        many=True, queryset=Note.objects.all(), source="note_set"
    )

    class Meta:
        model = Notebook
        fields = ["id", "title", "notes"]


@guard(**RW, owner={"write": "author"}, objects={"read": ANY_OBJECT})
class PublicNotes(ModelViewSet):
    queryset = Note.objects.all()
    serializer_class = NoteS


@guard(**RW, owner="owner")
class Books(ModelViewSet):
    queryset = Notebook.objects.all()
    serializer_class = WithNotes


def _urls(*pairs):
    r = SimpleRouter()
    for name, v in pairs:
        r.register(name, v, basename=name)
    return tuple(r.urls)


class U7:
    urlpatterns = _urls(("notes", PublicNotes), ("books", Books))


sys.modules["f07_urls"] = U7


@pytest.mark.urls("f07_urls")
def test_to_point_at_an_object_from_the_far_side_is_to_write_it(a, alice, bobs):
    book = Notebook.objects.create(owner=alice, title="mine")
    assert a.patch(f"/notes/{bobs.pk}/", {"notebook": book.pk}).status_code == 404
    r = a.patch(f"/books/{book.pk}/", {"notes": [bobs.pk]})
    bobs.refresh_from_db()
    assert bobs.notebook is None, r.status_code


@guard(**RW, owner="owner")
class Hidden(ModelViewSet):
    def get_queryset(self):
        return Notebook.objects.all()

    def get_serializer_class(self):
        return BookS


AsView = guard(**RW, owner="owner")(generics.ListCreateAPIView)


@own
class PlainNotes(ModelViewSet):
    queryset = Note.objects.all()
    serializer_class = NoteS


class U8:
    urlpatterns = _urls(("notes", PlainNotes), ("books", Hidden))


class U8b:
    urlpatterns = (
        *_urls(("notes", PlainNotes)),
        path("books/", AsView.as_view(queryset=Notebook.objects.all(), serializer_class=BookS)),
    )


sys.modules["f08_urls"] = U8
sys.modules["f08b_urls"] = U8b


def _f08(a, mine, bob):
    book = Notebook.objects.create(owner=bob, title="bob's")
    assert a.get("/books/").data == []
    assert a.patch(f"/notes/{mine.pk}/", {"notebook": book.pk}).status_code == 400


@pytest.mark.urls("f08_urls")
def test_a_model_that_only_methods_name_is_narrowed_as_a_related_one(a, mine, bob):
    _f08(a, mine, bob)


@pytest.mark.urls("f08b_urls")
def test_a_model_that_only_initkwargs_name_is_narrowed_as_a_related_one(a, mine, bob):
    _f08(a, mine, bob)


class Stale(serializers.ModelSerializer):
    class Meta:
        model = Note
        fields = ["title", "author"]

    def update(self, instance, v):
        Note.objects.filter(pk=instance.pk).update(**v)
        return instance


@own
class StaleNotes(ModelViewSet):
    queryset = Note.objects.all()
    serializer_class = Stale


route(StaleNotes, "stale")


def test_what_no_save_wrote_is_asked_of_the_database(a, mine, alice, bob):
    r = a.patch(f"/stale/{mine.pk}/", {"author": bob.pk})
    mine.refresh_from_db()
    assert mine.author == alice, r.status_code


@own
class ByHand(viewsets.GenericViewSet):
    queryset = Note.objects.all()
    serializer_class = NoteS

    def partial_update(self, request, pk):
        s = self.get_serializer_class()(self.get_object(), data=request.data, partial=True)
        s.is_valid(raise_exception=True)
        s.save()
        return Response(s.data)

    @action(detail=True, methods=["post"])
    def comment(self, request, pk):  # F11: another model's serializer
        note = self.get_object()
        s = BookS(data=request.data) if False else self.get_serializer(data=request.data)
        s.is_valid(raise_exception=True)
        s.save(owner=note.author)
        return Response(s.data, status=201)

    def get_serializer_class(self):
        return BookS if self.action == "comment" else NoteS

    @action(detail=True)
    def book(self, request, pk):  # F11b: the parent's object permissions
        note = self.get_object()
        self.check_object_permissions(request, note.notebook)
        return Response("ok")


route(ByHand, "byhand")


def test_a_serializer_built_by_hand_is_held_to_the_rule(a, mine, alice, bob):
    r = a.patch(f"/byhand/{mine.pk}/", {"author": bob.pk})
    mine.refresh_from_db()
    assert mine.author == alice, r.status_code


def test_an_action_may_save_another_model(a, mine):
    assert a.post(f"/byhand/{mine.pk}/comment/", {"title": "x"}).status_code == 201


def test_a_parent_may_be_checked(a, mine, alice):
    mine.notebook = Notebook.objects.create(owner=alice, title="x")
    mine.save()
    assert a.get(f"/byhand/{mine.pk}/book/").status_code == 200


@at("snippets/<int:pk>/")
@guard(**RW)
class SnippetDetail(APIView):  # DRF's tutorial, part 3
    def get_object(self, pk):
        try:
            return Note.objects.get(pk=pk)
        except Note.DoesNotExist:
            raise Http404 from None

    def get(self, request, pk):
        return Response(self.get_object(pk).title)


def test_a_get_object_with_arguments_of_its_own_works(a, mine):
    assert a.get(f"/snippets/{mine.pk}/").status_code == 200


@guard(**RW, owner="author", limits={"top": "any"})
class Bulk(viewsets.GenericViewSet):
    queryset = Note.objects.all()
    serializer_class = IdS

    def create(self, request):
        done, failed = [], []
        for row in request.data:
            s = self.get_serializer(data=row)
            s.is_valid(raise_exception=True)
            try:
                s.save()
                done.append(row["id"])
            except IntegrityError:
                failed.append(row["id"])
        return Response({"done": done, "failed": failed}, status=207)

    @action(detail=False, methods=["post"])
    def one(self, request):
        s = self.get_serializer(data=request.data)
        s.is_valid(raise_exception=True)
        try:
            s.save()
        except IntegrityError:
            return Response(IdS(self.get_queryset().first()).data)
        return Response(s.data, status=201)


route(Bulk, "bulk")


@pytest.mark.django_db(transaction=True)
def test_what_is_reported_as_saved_is_saved(a):
    r = a.post("/bulk/", [{"id": 7, "title": "1"}, {"id": 7, "title": "2"}])
    assert r.data == {"done": [7], "failed": [7]}
    assert Note.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_a_handler_goes_on_after_an_error_that_it_caught(a, mine):
    assert a.post("/bulk/one/", {"id": mine.pk, "title": "x"}).status_code == 200


@pytest.mark.django_db(transaction=True)
class MeS(serializers.ModelSerializer):
    class Meta:
        model = get_user_model()
        fields = ["id", "first_name"]


@guard(**RW, owner="pk")
class Me(generics.RetrieveUpdateAPIView):
    queryset = get_user_model().objects.all()
    serializer_class = MeS

    def get_object(self):
        self.check_object_permissions(self.request, self.request.user)
        return self.request.user


class U14:
    urlpatterns = (path("me/", Me.as_view()),)


sys.modules["f14_urls"] = U14


@pytest.mark.urls("f14_urls")
def test_the_lazy_user_of_a_session_is_an_object_like_any(a):
    assert (a.get("/me/").status_code, a.patch("/me/", {"first_name": "A"}).status_code) == (
        200,
        200,
    )


@guard(**RW, actions={"secret": "audit:read"})
class Opt(viewsets.ViewSet):
    @action(detail=False, methods=["get", "options"])
    def secret(self, request):
        return Response("secret")


route(Opt, "opt")


def test_an_action_that_answers_options_has_its_own_requirement(a):
    assert (a.get("/opt/secret/").status_code, a.options("/opt/secret/").status_code) == (403, 403)


@at("sessionfirst/")
@guard(**RW)
class SessionFirst(APIView):
    authentication_classes = [SessionAuthentication, OAuth2Authentication]

    def get(self, request):
        return Response("ok")


def test_a_bad_token_beside_a_good_session_is_refused(a):
    assert a.get("/sessionfirst/", headers={"Authorization": "Bearer nonsense"}).status_code == 401


@guard(**RW, objects=lambda caller: Q(Q(), Q()))
class NestedQ(ModelViewSet):
    queryset = Note.objects.all()
    serializer_class = NoteS


route(NestedQ, "nestedq")


def test_a_q_of_empty_ones_is_empty(a, bobs):
    assert a.get("/nestedq/").data == []


@guard(**RW, objects=lambda caller: Q(author=caller.nonsense))
class Raising(ModelViewSet):
    queryset = Note.objects.all()
    serializer_class = NoteS


route(Raising, "raising")


def test_a_rule_that_raises_when_saving_refuses(a):
    assert a.post("/raising/", {"title": "x"}).status_code == 403


class TokenUser:
    pk = id = 1
    is_authenticated = is_active = True
    is_staff = False


class JWT(BaseAuthentication):
    def authenticate(self, request):
        return TokenUser(), {}


@at("stateless/")
@guard(**RW)
class Stateless(APIView):
    authentication_classes = [JWT]

    def get(self, request):
        return Response("ok")


def test_a_user_without_a_table_holds_nothing(api):
    api.raise_request_exception = False
    assert api.get("/stateless/").status_code == 403


COMPOSED = (IsAuthenticated & AllowAny)()


@at("shared/")
@guard(**RW)
class Shared(APIView):
    def get_permissions(self):
        return [COMPOSED]

    def get(self, request):
        return Response("ok")


def test_a_composed_permission_may_be_shared(a):
    assert {a.get("/shared/").status_code for _ in range(1100)} == {200}


class ListS(serializers.Serializer):
    books = serializers.ListField(
        child=serializers.PrimaryKeyRelatedField(queryset=Notebook.objects.all())
    )


@at("lists/")
@guard(**RW)
class Lists(generics.GenericAPIView):
    serializer_class = ListS

    def post(self, request):
        s = self.get_serializer(data=request.data)
        s.is_valid(raise_exception=True)
        return Response([b.title for b in s.validated_data["books"]])


class U21:
    urlpatterns = (*_urls(("books", Books)), path("lists/", Lists.as_view()))


sys.modules["f21_urls"] = U21


@pytest.mark.urls("f21_urls")
def test_a_list_of_related_keys_is_narrowed(a, bob):
    assert (
        a.post("/lists/", {"books": [Notebook.objects.create(owner=bob, title="b").pk]}).status_code
        == 400
    )


@at("loaded/<int:pk>/")
@own
class Loaded(generics.GenericAPIView):
    queryset = Note.objects.all()
    serializer_class = NoteS

    def initial(self, request, *args, **kwargs):
        super().initial(request, *args, **kwargs)
        self.note = self.get_object()

    def get(self, request, pk):
        return Response(self.note.title)


def test_an_object_may_be_loaded_in_initial(a, mine):
    assert a.get(f"/loaded/{mine.pk}/").status_code == 200


@guard(read="notes:read")
class G(APIView):
    def get(self, request):
        return Response("get")


@guard(write="notes:write")
class P(APIView):
    def post(self, request):
        Note.objects.create(title="made")
        return Response("made")


def by_method(get, post):
    def view(request, *args, **kwargs):
        return (get if request.method == "GET" else post)(request, *args, **kwargs)

    view.csrf_exempt = True
    return view


urlpatterns.append(path("bm/", by_method(G.as_view(), P.as_view())))


def test_one_route_may_lead_to_two_guarded_views(a):
    assert a.post("/bm/").status_code == 200


urlpatterns += router.urls


@pytest.mark.parametrize(
    ("model", "lookup", "compared"),
    [
        (Note, "author", "author__pk"),
        (Note, "author_id", "author_id__pk"),
        (Note, "author__pk", "author__pk"),
        (Note, "author__id", "author__id"),
        (Note, "notebook__owner", "notebook__owner__pk"),
        (get_user_model(), "pk", "pk"),
        (get_user_model(), "scope_grants__user", "scope_grants__user__pk"),
        (Note, "pk", None),
        (Note, "title", None),
        (Note, "title__author", None),
        (Note, "nothing", None),
        (Note, "notebook", None),
        (Note, "author__username", None),
    ],
)
def test_an_owner_is_compared_with_a_user_s_key_alone(model, lookup, compared):
    assert leads_to_user(model, lookup) == compared


def test_a_view_may_return_the_permissions_of_another():
    class Other(APIView):
        permission_classes = [IsAuthenticated & AllowAny]

    @guard(read=PUBLIC)
    class Asking(APIView):
        def get_permissions(self):
            return guard(read=PUBLIC)(Other)().get_permissions()

    [permission] = Asking().get_permissions()
    assert isinstance(permission, AND)


@at("by-hand/")
@own
class ByHand(APIView):
    queryset = Note.objects.all()

    def post(self, request):
        note = Note.objects.create(author_id=request.data["author"], title="by hand")
        return Response(note.pk)

    def put(self, request):
        note = Note.objects.get(pk=request.data["id"])
        note.title = "changed by hand"
        note.save()
        return Response(note.pk)


def test_what_a_handler_saves_by_hand_is_held_to_the_rule(a, alice, bob, mine, bobs):
    assert a.post("/by-hand/", {"author": alice.pk}).status_code == 200
    refused = a.post("/by-hand/", {"author": bob.pk})
    assert (refused.status_code, refused.json()["code"]) == (403, "outside_your_objects")
    assert Note.objects.filter(title="by hand").count() == 1
    assert a.put("/by-hand/", {"id": mine.pk}).status_code == 200
    assert a.put("/by-hand/", {"id": bobs.pk}).status_code == 403
    assert set(Note.objects.values_list("title", flat=True)) == {"by hand", "changed by hand", "b"}


class AnyNote(serializers.ModelSerializer):
    class Meta:
        model = Notebook
        fields = ["id", "title"]


@at("by-request/<int:pk>/")
@own
class ByRequest(generics.GenericAPIView):
    """About notes, which only its queryset says, and that needs a request."""

    serializer_class = AnyNote

    def get_queryset(self):
        return Note.objects.exclude(title=self.request.query_params.get("but", ""))

    def post(self, request, pk):
        self.get_object()
        other = Note.objects.get(pk=request.data["other"])
        other.title = "taken"
        other.save()
        return Response()


def test_the_queryset_at_work_says_what_a_view_is_about(a, mine, bobs):
    assert a.post(f"/by-request/{mine.pk}/", {"other": bobs.pk}).status_code == 403
    assert a.post(f"/by-request/{mine.pk}/", {"other": mine.pk}).status_code == 200
    assert Note.objects.get(pk=bobs.pk).title == "b"
