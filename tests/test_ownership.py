"""Whose objects: owner= and objects=, read and written."""

from __future__ import annotations

import logging

import pytest
from django.db import DatabaseError
from django.db.models import Q
from django.shortcuts import get_object_or_404
from django.urls import include, path
from rest_framework import serializers, viewsets
from rest_framework.decorators import action
from rest_framework.exceptions import NotFound
from rest_framework.filters import SearchFilter
from rest_framework.generics import GenericAPIView, ListAPIView
from rest_framework.response import Response
from rest_framework.routers import SimpleRouter
from rest_framework.test import APIRequestFactory, force_authenticate
from rest_framework.views import APIView

from api_guard import ANY_OBJECT, PUBLIC, STAFF, guard
from tests.models import Note, Notebook

pytestmark = [pytest.mark.urls(__name__), pytest.mark.django_db]

SCOPES = {"read": "notes:read", "write": "notes:write"}


class NoteSerializer(serializers.ModelSerializer):
    class Meta:
        model = Note
        fields = ["id", "title", "author", "notebook"]
        extra_kwargs = {"author": {"required": False}}


class TitleSerializer(serializers.ModelSerializer):
    class Meta:
        model = Note
        fields = ["id", "title"]


class Notes(viewsets.ModelViewSet):
    queryset = Note.objects.order_by("pk")
    serializer_class = NoteSerializer
    filter_backends = [SearchFilter]
    search_fields = ["title"]

    @action(detail=True, methods=["post"])
    def by_itself(self, request, pk):
        note = get_object_or_404(Note, pk=pk)
        Note.objects.filter(pk=pk).update(title="changed by itself")
        return Response({"title": note.title})

    @action(detail=True, methods=["post"])
    def checked(self, request, pk):
        note = get_object_or_404(Note, pk=pk)
        self.check_object_permissions(request, note)
        self.check_object_permissions(request, note)
        return Response({"title": note.title})

    @action(detail=False, methods=["post"])
    def take_over(self, request):
        note = Note.objects.get(pk=request.data["id"])
        serializer = self.get_serializer(note, data=request.data, partial=True)
        serializer.is_valid(raise_exception=True)
        serializer.save(author=request.user)
        return Response(serializer.data)

    @action(detail=False, methods=["post"])
    def many(self, request):
        serializer = self.get_serializer(data=request.data, many=True)
        serializer.is_valid(raise_exception=True)
        serializer.save()
        return Response(serializer.data, status=201)

    @action(detail=False)
    def count(self, request):
        return Response({"count": Note.objects.count()})

    @action(detail=False)
    def weather(self, request):
        return Response("sunny")

    @action(detail=False, methods=["post"])
    def gone(self, request):
        raise NotFound


@guard(**SCOPES, owner="author", objects={"weather": ANY_OBJECT}, actions={"weather": PUBLIC})
class _Mixed(Notes):
    pass


@guard(**SCOPES, owner="author", limits={"top": "any"})
class Owned(Notes):
    pass


def of_notebooks(caller):
    return Q(notebook__owner=caller.user_id) | Q(author=caller.user_id, notebook__isnull=True)


@guard(**SCOPES, objects=of_notebooks)
class ByFunction(Notes):
    pass


@guard(**SCOPES, objects=lambda caller: Q())
class EmptyQ(Notes):
    pass


@guard(**SCOPES, objects=lambda caller: None)
class NoQ(Notes):
    pass


@guard(**SCOPES, objects=lambda caller: ANY_OBJECT if caller.user_id else Q(is_public=True))
class AnyForSome(Notes):
    pass


@guard(**SCOPES, objects=lambda caller: 1 / 0)
class Broken(Notes):
    pass


def down(caller):
    raise DatabaseError("down")


@guard(**SCOPES, objects=down)
class Down(Notes):
    pass


@guard(read=PUBLIC, write="notes:write", objects={"read": ANY_OBJECT}, owner={"write": "author"})
class PublicToRead(Notes):
    pass


@guard(**SCOPES, owner="author", objects=lambda caller: Q(is_public=True))
class Both(Notes):
    pass


@guard(**SCOPES, owner="notebook__owner")
class ByNotebook(Notes):
    serializer_class = NoteSerializer


@guard(**SCOPES, owner="author")
class LeftOut(Notes):
    serializer_class = TitleSerializer


@guard(**SCOPES, owner="owner")
class Notebooks(viewsets.ModelViewSet):
    queryset = Notebook.objects.all()


@guard(read=STAFF, objects=ANY_OBJECT)
class EveryNotebook(ListAPIView):
    queryset = Notebook.objects.all()


@guard(**SCOPES, owner="author")
class Loose(GenericAPIView):
    queryset = Note.objects.all()
    serializer_class = NoteSerializer

    def get_queryset(self):
        return {
            "list": list(Note.objects.all()),
            "slice": Note.objects.all()[:1],
            "union": Note.objects.all().union(Note.objects.all()),
            "manager": Note.objects,
        }[self.request.query_params["kind"]]

    def filter_queryset(self, queryset):
        return queryset | Note.objects.all()

    def get(self, request):
        notes = self.filter_queryset(self.get_queryset())
        return Response(sorted(note.title for note in notes))

    def get_object(self):
        return Note.objects.get(pk=self.request.data["id"])

    def post(self, request):
        note = self.get_object()
        self.check_object_permissions(request, request.data.get("other") or note)
        return Response(note.title)


class AnyNotebook(serializers.PrimaryKeyRelatedField):
    def get_queryset(self):
        return Notebook.objects


class ListedAuthor(serializers.SlugRelatedField):
    def get_queryset(self):
        return ["nobody"]

    def to_internal_value(self, data):
        return self.get_queryset().index(data)


class Inner(serializers.Serializer):
    notebook = AnyNotebook()


class Nested(serializers.Serializer):
    author = serializers.PrimaryKeyRelatedField(read_only=True)
    inner = Inner()
    notebooks = AnyNotebook(many=True, required=False)
    listed = ListedAuthor(slug_field="x", required=False)
    plain = serializers.CharField(required=False)

    def create(self, validated_data):
        return validated_data


@guard(**SCOPES)
class Pointing(GenericAPIView):
    serializer_class = Nested

    def post(self, request):
        serializer = self.get_serializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        return Response("fine")


class Reply(serializers.Serializer):
    to = serializers.PrimaryKeyRelatedField(queryset=Note.objects.all())


@guard(**SCOPES, owner="author")
class Unrouted(GenericAPIView):
    queryset = Note.objects.all()
    serializer_class = Reply

    def post(self, request):
        serializer = self.get_serializer(data=request.data)
        self.get_queryset()
        return Response(serializer.is_valid())


@guard(read=PUBLIC, objects={"read": lambda caller: Q(title="shared")})
class SharedNotebooks(ListAPIView):
    queryset = Notebook.objects.all()


@guard(write="notes:write", owner="owner")
class WriteOnlyNotebooks(ListAPIView):
    queryset = Notebook.objects.all()


@guard(read="notes:read", objects=lambda caller: None)
class NoNotebooks(ListAPIView):
    queryset = Notebook.objects.all()


class LogSerializer(serializers.Serializer):
    text = serializers.CharField()

    def create(self, validated_data):
        return validated_data


@guard(**SCOPES, owner="author")
class Log(GenericAPIView):
    serializer_class = LogSerializer

    def post(self, request):
        serializer = self.get_serializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        serializer.save()
        return Response(serializer.data)


@guard(read="notes:read", owner="author")
class Plain(APIView):
    def get(self, request):
        return Response(Note.objects.count())


router = SimpleRouter()
VIEWS = {
    "mixed": _Mixed,
    "owned": Owned,
    "by-function": ByFunction,
    "empty": EmptyQ,
    "none": NoQ,
    "any-for-some": AnyForSome,
    "broken": Broken,
    "down": Down,
    "public": PublicToRead,
    "both": Both,
    "by-notebook": ByNotebook,
    "left-out": LeftOut,
    "notebooks": Notebooks,
}
for name, view in VIEWS.items():
    router.register(name, view, basename=name)

urlpatterns = [
    path("", include(router.urls)),
    path("loose/", Loose.as_view()),
    path("log/", Log.as_view()),
    path("plain/", Plain.as_view()),
    path("every/", EveryNotebook.as_view()),
    path("shared/", SharedNotebooks.as_view()),
    path("none-of-them/", NoNotebooks.as_view()),
    path("write-only/", WriteOnlyNotebooks.as_view()),
    path("pointing/", Pointing.as_view()),
]


@pytest.fixture
def notes(alice, bob):
    return {
        "alice": Note.objects.create(
            author=alice, title="hers", notebook=Notebook.objects.create(owner=alice, title="A")
        ),
        "bob": Note.objects.create(
            author=bob, title="his", notebook=Notebook.objects.create(owner=bob, title="B")
        ),
        "nobody": Note.objects.create(title="nobody's"),
    }


@pytest.fixture
def as_alice(api, alice, give):
    give(alice, "notes:read", "notes:write")
    return api.by_session(alice)


NARROWING = ["owned", "by-function", "by-notebook"]


def titles(response):
    assert response.status_code == 200, response.json()
    return sorted(row["title"] for row in response.json())


@pytest.mark.parametrize("view", NARROWING)
def test_a_list_shows_the_caller_s_objects_alone(as_alice, notes, view):
    assert titles(as_alice.get(f"/{view}/")) == ["hers"]


@pytest.mark.parametrize("view", NARROWING)
@pytest.mark.parametrize("method", ["get", "put", "patch", "delete"])
def test_a_stranger_s_object_is_not_found(as_alice, notes, view, method):
    data = {"title": "taken"}
    for owner in ("bob", "nobody"):
        url = f"/{view}/{notes[owner].pk}/"
        assert getattr(as_alice, method)(url, data).status_code == 404
    assert as_alice.get(f"/{view}/{notes['alice'].pk}/").status_code == 200
    assert Note.objects.filter(title="taken").count() == 0


@pytest.mark.parametrize("view", ["owned", "left-out"])
def test_the_owner_is_filled_from_the_caller(as_alice, alice, view):
    response = as_alice.post(f"/{view}/", {"title": "new"})
    assert response.status_code == 201, response.json()
    assert Note.objects.get().author == alice


@pytest.mark.parametrize("view", ["owned", "by-function", "by-notebook", "both"])
def test_an_object_created_for_somebody_else_is_refused_and_undone(as_alice, bob, notes, view):
    before = Note.objects.count()
    response = as_alice.post(f"/{view}/", {"title": "x", "author": bob.pk})
    assert response.status_code == 403
    assert response.json()["code"] == "outside_your_objects"
    assert Note.objects.count() == before


def test_an_object_is_created_inside_a_longer_rule(as_alice, notes):
    data = {"title": "x", "notebook": notes["alice"].notebook_id}
    assert as_alice.post("/by-notebook/", data).status_code == 201
    assert as_alice.post("/by-function/", data).status_code == 201


def test_the_owner_cannot_be_patched_away(as_alice, alice, bob, notes):
    response = as_alice.patch(f"/owned/{notes['alice'].pk}/", {"author": bob.pk})
    assert response.status_code == 403
    assert Note.objects.get(pk=notes["alice"].pk).author == alice


def test_an_object_is_not_taken_over_by_saving_it_under_another_owner(as_alice, bob, notes):
    response = as_alice.post("/owned/take_over/", {"id": notes["bob"].pk, "title": "mine"})
    assert response.status_code == 404
    assert Note.objects.get(pk=notes["bob"].pk).author == bob
    own = as_alice.post("/owned/take_over/", {"id": notes["alice"].pk, "title": "mine"})
    assert own.status_code == 200


def test_several_objects_are_saved_or_refused_together(as_alice, alice, bob):
    rows = [{"title": "a"}, {"title": "b"}]
    assert as_alice.post("/owned/many/", rows).status_code == 201
    assert set(Note.objects.values_list("author", flat=True)) == {alice.pk}
    foreign = [{"title": "c", "author": alice.pk}, {"title": "d", "author": bob.pk}]
    assert as_alice.post("/owned/many/", foreign).status_code == 403
    assert Note.objects.count() == 2


def test_a_foreign_related_key_does_not_exist_for_the_caller(as_alice, notes):
    foreign = {"title": "x", "notebook": notes["bob"].notebook_id}
    response = as_alice.post("/owned/", foreign)
    assert response.status_code == 400
    assert "does not exist" in response.json()["notebook"][0]
    own = {"title": "x", "notebook": notes["alice"].notebook_id}
    assert as_alice.post("/owned/", own).status_code == 201


def test_whoever_may_see_all_related_objects_may_point_at_them(api, staff, give, notes):
    give(staff, "notes:read", "notes:write")
    foreign = {"title": "x", "notebook": notes["bob"].notebook_id}
    assert api.by_session(staff).post("/owned/", foreign).status_code == 201


def test_related_fields_are_narrowed_however_deep_and_however_made(as_alice, notes, bob):
    own, foreign = (notes[name].notebook_id for name in ("alice", "bob"))
    shared = Notebook.objects.create(owner=bob, title="shared").pk

    def point(inner, many=(), **more):
        data = {"inner": {"notebook": inner}, "notebooks": list(many), **more}
        return as_alice.post("/pointing/", data).status_code

    assert point(own, [own, shared]) == 200
    assert point(own, [own], listed="nobody", plain="x") == 200
    assert point(foreign) == 400
    assert point(own, [own, foreign]) == 400


def test_a_caller_that_no_view_shows_an_object_can_point_at_none(
    api, application, issue, give, notes
):
    give(application, "notes:write")
    api.by_token(issue("notes:write"))
    data = {"inner": {"notebook": notes["alice"].notebook_id}}
    assert api.post("/pointing/", data).status_code == 400


def test_an_action_that_queries_by_itself_is_refused_and_undone(as_alice, notes, caplog):
    caplog.set_level(logging.ERROR, "api_guard")
    for owner in ("alice", "bob"):
        response = as_alice.post(f"/owned/{notes[owner].pk}/by_itself/")
        assert response.status_code == 403
        assert response.json()["code"] == "unchecked_object"
    assert not Note.objects.filter(title="changed by itself").exists()
    assert "self.get_object()" in caplog.text
    assert as_alice.get("/owned/count/").json()["code"] == "unchecked_object"
    assert as_alice.get("/plain/").json()["code"] == "unchecked_object"


def test_an_action_that_asks_for_the_check_gets_it(as_alice, notes):
    assert as_alice.post(f"/owned/{notes['alice'].pk}/checked/").status_code == 200
    assert as_alice.post(f"/owned/{notes['bob'].pk}/checked/").status_code == 404


def test_an_error_of_the_view_stays_its_own(as_alice):
    assert as_alice.post("/owned/gone/").status_code == 404


def test_an_operation_that_concerns_nobody_s_objects_says_so(as_alice, notes, api):
    assert api.get("/mixed/weather/").json() == "sunny"
    assert titles(as_alice.get("/mixed/")) == ["hers"]


@pytest.mark.parametrize("view", ["empty", "none"])
def test_what_is_no_q_leaves_no_object(as_alice, notes, view):
    assert titles(as_alice.get(f"/{view}/")) == []
    assert as_alice.get(f"/{view}/{notes['alice'].pk}/").status_code == 404
    assert as_alice.post(f"/{view}/", {"title": "x"}).status_code == 403


def test_everything_is_said_by_any_object_alone(as_alice, notes, api, application, give, issue):
    assert titles(as_alice.get("/any-for-some/")) == ["hers", "his", "nobody's"]
    assert as_alice.post("/any-for-some/", {"title": "x"}).status_code == 201
    assert as_alice.post(f"/any-for-some/{notes['bob'].pk}/checked/").status_code == 200
    as_alice.logout()
    give(application, "notes:read")
    assert titles(api.by_token(issue("notes:read")).get("/any-for-some/")) == []


def test_a_client_on_its_own_behalf_owns_nothing(api, notes, application, give, issue):
    give(application, "notes:read", "notes:write")
    api.by_token(issue("notes:read notes:write"))
    assert titles(api.get("/owned/")) == []
    assert api.get(f"/owned/{notes['nobody'].pk}/").status_code == 404
    assert api.post("/owned/", {"title": "x"}).status_code == 403
    assert Note.objects.count() == 3


def test_public_to_read_and_the_owner_s_to_write(api, alice, give, notes):
    assert titles(api.get("/public/")) == ["hers", "his", "nobody's"]
    give(alice, "notes:write")
    api.by_session(alice)
    assert api.patch(f"/public/{notes['alice'].pk}/", {"title": "x"}).status_code == 200
    assert api.patch(f"/public/{notes['bob'].pk}/", {"title": "x"}).status_code == 404


def test_owner_and_objects_together_both_apply(as_alice, alice, notes):
    assert titles(as_alice.get("/both/")) == []
    Note.objects.create(author=alice, title="shown", is_public=True)
    assert titles(as_alice.get("/both/")) == ["shown"]


def test_a_rule_that_raises_refuses_and_one_that_cannot_ask_is_unavailable(as_alice, notes, caplog):
    response = as_alice.get("/broken/")
    assert (response.status_code, response.json()["code"]) == (403, "rule_failed")
    assert "ZeroDivisionError" in caplog.text
    assert as_alice.post(f"/broken/{notes['alice'].pk}/checked/").status_code == 403
    response = as_alice.get("/down/")
    assert (response.status_code, response["Retry-After"]) == (503, "5")
    assert response.json()["code"] == "guard_unavailable"


def test_what_cannot_be_narrowed_is_refused(as_alice, notes):
    for kind in ("list", "slice", "union"):
        assert as_alice.get("/loose/", {"kind": kind}).status_code == 403


def test_a_filter_that_widens_the_queryset_is_narrowed_again(as_alice, notes):
    assert as_alice.get("/loose/", {"kind": "manager"}).json() == ["hers"]


def test_an_own_get_object_is_checked_against_the_database(as_alice, notes):
    assert as_alice.post("/loose/", {"id": notes["alice"].pk}).json() == "hers"
    assert as_alice.post("/loose/", {"id": notes["bob"].pk}).status_code == 404
    other = {"id": notes["alice"].pk, "other": "no model at all"}
    assert as_alice.post("/loose/", other).status_code == 404


def test_a_method_without_a_handler_is_not_allowed(as_alice):
    assert as_alice.put("/log/").status_code == 405


def test_a_serializer_that_writes_no_row_has_checked_nothing(as_alice):
    assert as_alice.post("/log/", {"text": "x"}).json()["code"] == "unchecked_object"


def test_options_describes_the_view_and_shows_no_foreign_object(as_alice, notes):
    response = as_alice.options("/owned/")
    assert response.status_code == 200
    assert response.json()["actions"]["POST"]["title"]["required"] is True


def test_a_join_in_the_rule_doubles_no_row(as_alice, alice, notes):
    Note.objects.create(author=alice, title="more", notebook=notes["alice"].notebook)
    assert titles(as_alice.get("/by-notebook/")) == ["hers", "more"]
    assert titles(as_alice.get("/by-notebook/", {"search": "more"})) == ["more"]


@pytest.mark.urls("tests.urls")
def test_a_view_s_own_rule_holds_for_its_related_fields_though_it_is_not_routed(alice, give, notes):
    give(alice, "notes:read", "notes:write")

    def reply(to):
        request = APIRequestFactory().post("/", {"to": notes[to].pk})
        force_authenticate(request, alice)
        return Unrouted.as_view()(request).data

    assert (reply("alice"), reply("bob")) == (True, False)
