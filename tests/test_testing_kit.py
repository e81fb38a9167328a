"""The kit with which a project proves its own API: it finds one leak of each kind, no others."""

from __future__ import annotations

import inspect
from itertools import count

import pytest
from django.contrib.auth import get_user_model
from django.core.cache import caches
from django.db import OperationalError, connection
from django.test import Client, override_settings
from django.urls import include, path
from rest_framework import serializers
from rest_framework.decorators import api_view
from rest_framework.pagination import PageNumberPagination
from rest_framework.response import Response
from rest_framework.routers import DefaultRouter
from rest_framework.views import APIView
from rest_framework.viewsets import ModelViewSet

from api_guard import ANY_OBJECT, PUBLIC, grants, guard
from api_guard.exceptions import GuardUnavailable
from api_guard.grants import GrantError
from api_guard.permissions import HasScopes
from api_guard.testing import (
    assert_every_endpoint_guarded,
    assert_no_endpoint_leaks,
    assert_no_fault_opens,
    assert_no_object_leaks,
    probe_objects,
)
from api_guard.testing.asking import Asked
from tests.models import Note, Notebook

pytest_plugins = ["api_guard.testing.fixtures"]
pytestmark = [pytest.mark.django_db, pytest.mark.urls(__name__)]


class NoteSerializer(serializers.ModelSerializer):
    class Meta:
        model = Note
        fields = ["id", "title", "notebook"]


class NotebookSerializer(serializers.ModelSerializer):
    class Meta:
        model = Notebook
        fields = ["id", "title"]


class Pages(PageNumberPagination):
    page_size = 50


class Owned(ModelViewSet):
    pagination_class = Pages
    queryset = Note.objects.order_by("pk")
    serializer_class = NoteSerializer

    def perform_create(self, serializer):
        serializer.save(author=self.request.user)


both = guard(read="notes:read", write="notes:write", owner="author", throttle="2/h")
Notes = both(type("Notes", (Owned,), {"__module__": __name__}))
notes_of_all = guard(read="notes:read", write="notes:write")(
    type("NotesOfAll", (Owned,), {"__module__": __name__})
)
meant = guard(read="notes:read", write="notes:write", objects=ANY_OBJECT)(
    type("Meant", (Owned,), {"__module__": __name__})
)


@guard(read="notes:read", write="notes:write", owner="owner")
class Notebooks(ModelViewSet):
    queryset = Notebook.objects.order_by("pk")
    serializer_class = NotebookSerializer

    def perform_create(self, serializer):
        serializer.save(owner=self.request.user)


class Shortcut(APIView):
    def dispatch(self, request, *args, **kwargs):
        request = self.initialize_request(request, *args, **kwargs)
        return self.finalize_response(request, self.get(request))

    def get(self, request):
        return Response("reached")


class Open(APIView):
    permission_classes = []

    def get(self, request):
        return Response("open")


@guard(read=PUBLIC, throttle="2/h")
class Counted(APIView):
    authentication_classes = []

    def get(self, request):
        return Response("counted")


def routed(**views):
    router = DefaultRouter()
    for name, view in views.items():
        router.register(name, view, basename=name)
    return router.urls


good = [
    path("", include(routed(notes=Notes, notebooks=Notebooks)[:-2])),
    path("counted/", Counted.as_view()),
]
urlpatterns = good


@pytest.fixture
def routes(settings):
    """Route these patterns instead."""

    def route(*patterns):
        module = type("Urls", (), {"urlpatterns": list(patterns), "__name__": "kit"})
        settings.ROOT_URLCONF = module
        return module

    return route


FACTORIES = {
    Note: lambda user: Note.objects.create(author=user, title="A note"),
    Notebook: lambda user: Notebook.objects.create(owner=user, title="A notebook"),
}


def make_user(name):
    return get_user_model().objects.create(username=name)


def test_a_good_api_passes(routes):
    assert_every_endpoint_guarded()
    assert_no_endpoint_leaks()
    assert_no_object_leaks(FACTORIES)
    assert_no_object_leaks({Note: FACTORIES[Note]}, make_user=make_user)
    findings = probe_objects(FACTORIES)
    assert [finding for finding in findings if "format" in finding.path] == []
    assert {finding.what for finding in findings} == {"object", "list", "field notebook"}
    assert {finding.method for finding in findings} == {"GET", "POST", "PUT", "PATCH", "DELETE"}
    assert [finding for finding in findings if not finding.is_clear] == []
    assert not Note.objects.exists()
    assert not get_user_model().objects.filter(username__startswith="probe").exists()


def test_an_undeclared_view_is_named_with_its_line_and_the_fix(routes):
    routes(*good, path("open/", Open.as_view()))
    with pytest.raises(AssertionError) as caught:
        assert_every_endpoint_guarded()
    [head, line] = str(caught.value).splitlines()
    assert head == "These endpoints are not declared:"
    assert "tests.test_testing_kit.Open, at /open/ (tests/test_testing_kit.py:" in line
    assert 'write @guard(read="some:scope"' in line


def test_a_handler_that_is_reached_without_a_grant_is_named(routes, settings):
    settings.MIDDLEWARE = []
    routes(*good, path("short/", guard(read="notes:read")(Shortcut).as_view()))
    with pytest.raises(AssertionError, match=r"GET /short/, .*Shortcut.*: anonymous Attr"):
        assert_no_endpoint_leaks()


class Lenient(HasScopes):
    """A permission that takes an outage for a yes."""

    def has_permission(self, request, view):
        try:
            return super().has_permission(request, view)
        except GuardUnavailable:
            return True


class OpenInAnOutage(APIView):
    permission_classes = [Lenient("notes:read")]

    def get(self, request):
        return Response("open")


def test_a_view_that_an_outage_opens_is_named_with_its_line(routes):
    assert_no_fault_opens()
    routes(*good, path("outage/", OpenInAnOutage.as_view()))
    assert_no_endpoint_leaks()
    with pytest.raises(AssertionError) as caught:
        assert_no_fault_opens()
    head, line, *_ = str(caught.value).splitlines()
    assert head == "Without its database, these operations reach their handlers:"
    assert f"GET /outage/, {__name__}.OpenInAnOutage (tests/test_testing_kit.py:" in line


@api_view(["POST"])
def undeclared(request):
    return Response("open")


def test_a_function_is_named_with_its_line(routes):
    routes(*good, path("undeclared/", undeclared))
    with pytest.raises(AssertionError) as caught:
        assert_every_endpoint_guarded()
    line = inspect.getsourcelines(inspect.getclosurevars(undeclared.cls.post).nonlocals["func"])[1]
    assert f"at /undeclared/ (tests/test_testing_kit.py:{line})" in str(caught.value)


class Deaf(Owned):
    """An action that does not read the body, and a field that no column stores."""

    def write(self, request, pk=None):
        return Response(self.get_serializer(self.get_object()).data)


class Wishes(NoteSerializer):
    wish = serializers.PrimaryKeyRelatedField(
        queryset=Notebook.objects.all(), required=False, write_only=True
    )

    class Meta(NoteSerializer.Meta):
        fields = ["id", "title", "notebook", "wish"]

    def save(self, **kwargs):
        self.validated_data.pop("wish", None)
        return super().save(**kwargs)


def test_an_action_that_ignores_the_body_links_nothing(routes):
    view = guard(read="notes:read", write="notes:write", owner="author")(Deaf)
    routes(path("deaf/<int:pk>/", view.as_view({"post": "write"})))
    assert_no_object_leaks(FACTORIES)


def test_a_field_that_no_column_stores_is_judged_by_the_answer(routes):
    view = guard(read="notes:read", write="notes:write", owner="author")(
        type("Wishing", (Owned,), {"__module__": __name__, "serializer_class": Wishes})
    )
    routes(path("wishes/", view.as_view({"post": "create"})))
    found = {each.what: each for each in probe_objects(FACTORIES)}
    assert found["field wish"].is_leak


def test_a_view_without_an_object_rule_is_named_for_every_operation(routes):
    routes(path("", include(routed(notes=notes_of_all)[:-2])))
    with pytest.raises(AssertionError) as caught:
        assert_no_object_leaks(FACTORIES)
    text = str(caught.value)
    for method in ("GET", "PUT", "PATCH", "DELETE"):
        assert f"{method} /notes/(?P<pk>[^/.]+)/$, {__name__}.NotesOfAll" in text
    assert "GET /notes/$, tests.test_testing_kit.NotesOfAll: list, 200" in text
    assert "objects=ANY_OBJECT if this is meant" in text
    # Its notebooks have no rule either: nothing that is routed narrows them.
    assert f"POST /notes/$, {__name__}.NotesOfAll: field notebook, 201" in text


def test_a_view_that_declares_any_object_is_left_out(routes):
    routes(path("", include(routed(notes=meant, notebooks=Notebooks)[:-2])))
    assert_no_object_leaks(FACTORIES)


class LinkedSerializer(serializers.Serializer):
    title = serializers.CharField()
    by_title = serializers.SlugRelatedField("title", queryset=Notebook.objects.all())
    many = serializers.PrimaryKeyRelatedField(queryset=Notebook.objects.all(), many=True)
    shown = serializers.PrimaryKeyRelatedField(read_only=True)
    url = serializers.HyperlinkedRelatedField("notebooks-detail", queryset=Notebook.objects.all())

    def create(self, validated_data):
        return Note.objects.create(author=self.context["request"].user, title="made")

    def to_representation(self, instance):
        return {"title": instance.title}


class Linked(Owned):
    serializer_class = LinkedSerializer
    http_method_names = ["post"]


class Nested(Owned):
    lookup_url_kwarg = "note_id"

    def get_queryset(self):
        return Note.objects.filter(notebook=self.kwargs["notebook_pk"])


class Failing(Owned):
    queryset = Note.objects.order_by("pk")
    serializer_class = None

    def get_serializer_class(self):
        raise ZeroDivisionError


def guarded(view):
    return guard(read="notes:read", write="notes:write", owner="author")(view)


def test_links_by_other_keys_and_to_many_are_probed(routes):
    routes(
        path("linked/", guarded(Linked).as_view({"post": "create"})),
        path("", include(routed(notebooks=Notebooks)[:-2])),
    )
    titles = map(str, count())
    factories = {
        **FACTORIES,
        Notebook: lambda user: Notebook.objects.create(owner=user, title=next(titles)),
    }
    found = {each.what: each for each in probe_objects(factories) if "Linked" in each.view}
    assert found.keys() == {"field by_title", "field many"}
    # The other fields are required as well, so neither answer shows the link.
    assert [each.is_leak for each in found.values()] == [False, False]
    assert [each.is_clear for each in found.values()] == [False, False]


def test_a_nested_route_is_asked_for_the_parent_of_the_object(routes):
    view = guarded(Nested)
    routes(
        path(
            "books/<int:notebook_pk>/notes/<int:note_id>.<format>",
            view.as_view({"get": "retrieve"}),
        ),
        path("books/<int:notebook_pk>/notes/", view.as_view({"get": "list"})),
    )

    def note(user):
        book = Notebook.objects.create(owner=user, title="A notebook")
        return Note.objects.create(author=user, title="A note", notebook=book)

    found = {each.what: each for each in probe_objects({Note: note})}
    assert (found["object"].status, found["object"].is_clear) == ("404", True)
    # A list of a parent that is not known shows nothing, to its owner neither.
    assert not found["list"].is_leak
    assert not found["list"].is_clear


def test_a_view_that_fails_is_unclear_and_no_leak(routes):
    routes(
        path("failing/", guarded(Failing).as_view({"get": "list", "post": "create"})),
        path("failing/<int:pk>", guarded(Failing).as_view({"patch": "partial_update"})),
    )
    found = {each.what: each for each in probe_objects(FACTORIES)}
    assert found.keys() == {"list", "object"}
    assert (found["list"].status, found["list"].is_clear) == ("ZeroDivisionError", False)
    # The stranger is not found; the owner gets as far as the fault.
    assert (found["object"].status, found["object"].is_clear) == ("404", True)
    assert not any(each.is_leak for each in found.values())


def test_views_with_their_own_permissions_are_probed_too(routes, settings):
    class Scoped(Owned):
        permission_classes = [HasScopes("notes:read")]
        http_method_names = ["get"]

    Scoped.__qualname__ = "Scoped"
    routes(path("scoped/<int:pk>", Scoped.as_view({"get": "retrieve"})))
    with pytest.raises(AssertionError, match=r"GET /scoped/<int:pk>, .*Scoped.*: object, 200"):
        assert_no_object_leaks(FACTORIES)
    settings.API_GUARD = {**settings.API_GUARD, "EXEMPT": {f"{__name__}.Owned": "a test"}}
    routes(path("exempt/<int:pk>", Owned.as_view({"delete": "destroy"})))
    with pytest.raises(AssertionError, match=r"DELETE /exempt/<int:pk>, .*Owned.*: object, 204"):
        assert_no_object_leaks(FACTORIES)


def test_another_urlconf_is_probed_with_its_own_views(routes):
    other = routes(path("", include(routed(notes=notes_of_all)[:-2])))
    with override_settings(ROOT_URLCONF=__name__):
        assert_no_object_leaks(FACTORIES)
        with pytest.raises(AssertionError, match=r"NotesOfAll.*: object, 200"):
            assert_no_object_leaks(FACTORIES, urlconf=other)


def test_two_views_on_one_route_are_told_apart(routes):
    routes(
        path("notes/<int:pk>/", Notes.as_view({"get": "retrieve"})),
        path("notes/<int:pk>/", notes_of_all.as_view({"get": "retrieve"})),
    )
    found = {each.view.rpartition(".")[2]: each.is_leak for each in probe_objects(FACTORIES)}
    assert found == {"Notes": False, "NotesOfAll": True}


@pytest.mark.parametrize(
    ("data", "is_shown"),
    [
        ([{"id": 7}], True),
        ({"count": 1, "results": [{"pk": "7"}]}, True),
        ([{"id": 1, "tag": {"id": 7}, "tags": [{"id": 7}]}], False),
        ({"id": 7}, False),
        ([7, "7", None], False),
        (None, False),
    ],
)
def test_a_list_shows_an_object_by_its_rows_alone(data, is_shown):
    assert Asked(200, data).shows(Note(pk=7)) is is_shown
    assert not Asked(404, data).shows(Note(pk=7))


def test_an_api_that_shows_no_such_objects_is_a_mistake_of_the_test(routes):
    routes(path("counted/", Counted.as_view()))
    with pytest.raises(AssertionError, match="look at the factories"):
        assert_no_object_leaks(FACTORIES)


def test_a_client_with_scopes_is_let_in_and_revoked(scoped_client, alice):
    client = scoped_client("notes:read", user=alice)
    assert client.get("/notebooks/").status_code == 200
    assert client.post("/notebooks/", {"title": "x"}, format="json").status_code == 403
    grants.revoke_all(alice, by=grants.System("a test"))
    assert client.get("/notebooks/").status_code == 403


def test_a_client_acts_on_its_own_behalf(scoped_client):
    assert scoped_client("notes:read").get("/notebooks/").status_code == 200


def test_a_token_opens_nothing_before_both_sides_are_granted(access_token, grant_scopes, alice):
    token = access_token("notes:read", user=alice)
    web = Client(headers={"Authorization": f"Bearer {token.token}"})
    assert web.get("/notebooks/").status_code == 403
    [row] = grant_scopes(alice, "notes:read")
    assert web.get("/notebooks/").status_code == 403
    grant_scopes(token.application, "notes:read")
    assert web.get("/notebooks/").status_code == 200
    assert grant_scopes(alice, "notes:read") == [row]
    with pytest.raises(GrantError):
        grant_scopes(alice, "notes:raed")


def test_a_sensitive_scope_is_granted_at_once(settings, grant_scopes, alice):
    terms = {"description": "Read notes", "sensitive": True}
    settings.API_GUARD = {**settings.API_GUARD, "SCOPES": {"notes:read": terms}}
    [row] = grant_scopes(alice, "notes:read")
    assert row.is_live()


def test_without_a_database_the_api_is_closed(scoped_client, request, alice):
    client = scoped_client("notes:read", user=alice)
    before = connection.needs_rollback
    request.getfixturevalue("broken_database")
    assert client.get("/notebooks/").status_code == 503
    with pytest.raises(OperationalError, match="broken by a test"):
        Note.objects.exists()
    assert connection.needs_rollback == before


def test_the_database_is_whole_afterwards(alice):
    from api_guard.testing import broken_database

    with broken_database(), pytest.raises(OperationalError):
        Note.objects.exists()
    assert not Note.objects.exists()


def test_without_a_cache_a_rate_refuses_or_counts_in_the_process(settings, request):
    request.getfixturevalue("broken_cache")
    settings.API_GUARD = {**settings.API_GUARD, "ON_FAULT": "deny"}
    assert Client().get("/counted/").status_code == 503
    settings.API_GUARD = {**settings.API_GUARD, "ON_FAULT": "local"}
    assert [Client().get("/counted/").status_code for _ in range(3)] == [200, 200, 429]
    for question in (lambda cache: cache.get("a"), lambda cache: "a" in cache):
        with pytest.raises(ConnectionError, match="broken by a test"):
            question(caches["default"])
    assert caches["default"].make_key("a").endswith("a")
    assert caches["default"].default_timeout == 300


def test_without_the_introspection_endpoint_a_token_is_not_judged(settings, broken_introspection):
    settings.API_GUARD = {
        **settings.API_GUARD,
        "INTROSPECTION": {
            "URL": "https://auth.example.com/introspect/",
            "ISSUER": "https://auth.example.com",
            "TOKEN": "secret",
        },
    }
    view = guard(read="notes:read")(
        type(
            "Remote",
            (Open,),
            {"authentication_classes": [_introspection()], "__module__": __name__},
        )
    )
    settings.ROOT_URLCONF = type(
        "Urls", (), {"urlpatterns": [path("remote/", view.as_view())], "__name__": "remote"}
    )
    web = Client(headers={"Authorization": "Bearer abc"})
    assert web.get("/remote/").status_code == 503


def _introspection():
    from api_guard.authentication import IntrospectionAuthentication

    return IntrospectionAuthentication
