"""Views whose attributes are computed, whose classes are made again, and factories in lists."""

import dataclasses
import functools

import pytest
from django.contrib.auth.models import Group
from django.core.management import call_command
from django.http import HttpResponse
from django.urls import get_script_prefix, include, path, set_script_prefix
from django.views import View
from rest_framework import filters, parsers, permissions, renderers, serializers
from rest_framework.authentication import BaseAuthentication
from rest_framework.generics import ListAPIView
from rest_framework.response import Response
from rest_framework.routers import SimpleRouter
from rest_framework.test import APIRequestFactory
from rest_framework.views import APIView
from rest_framework.viewsets import ModelViewSet

from api_guard import PUBLIC, asgi, guard
from api_guard.access.endpoints import attribute_of, classes_of, endpoints
from api_guard.adoption.proposing import _settings_module
from api_guard.checks import CHECKS
from api_guard.checks.granting import check_permissions_of_users
from api_guard.checks.oauth2 import check_toolkit, is_routed
from api_guard.exceptions import GuardError
from api_guard.explain import who
from api_guard.explain.asking import _authenticators
from tests.models import Note

pytestmark = [pytest.mark.urls(__name__), pytest.mark.django_db]
closed = guard(read="notes:read", write="notes:write")


class NoteSerializer(serializers.ModelSerializer):
    class Meta:
        model = Note
        fields = ["id", "title"]


class Key(BaseAuthentication):
    def __init__(self, realm=""):
        self.realm = realm

    def authenticate(self, request):
        return None

    def token_scopes(self, auth):
        return ()

    def token_client(self, auth):
        return None


class Computed(ModelViewSet):
    """A property may need DRF's request, which is not there before the view has started."""

    @property
    def permission_classes(self):
        return [] if self.request.query_params else [permissions.IsAuthenticated]

    @property
    def queryset(self):
        return Note.objects.filter(author=self.request.user)

    @property
    def serializer_class(self):
        return NoteSerializer

    @property
    def authentication_classes(self):
        return [Key] if self.request.GET.get("key") else APIView.authentication_classes

    @property
    def filter_backends(self):
        return [filters.OrderingFilter]

    @property
    def ordering_fields(self):
        return ["title"]

    @property
    def parser_classes(self):
        return [parsers.JSONParser]


@guard(read="notes:read", owner="author")
class Guarded(Computed):
    pass


class Exempt(Computed):
    authentication_classes = ()
    queryset = Note.objects.all()


class Undeclared(Computed):
    pass


@closed
class Factories(APIView):
    authentication_classes = [functools.partial(Key, realm="a"), lambda: Key()]
    permission_classes = [functools.partial(permissions.IsAuthenticated)]
    parser_classes = [functools.partial(parsers.JSONParser)]
    renderer_classes = [functools.partial(renderers.JSONRenderer)]
    filter_backends = [functools.partial(filters.SearchFilter), lambda: None]

    def get(self, request):
        return Response()


class Permitted:
    def __call__(self):
        return [permissions.IsAuthenticated()]


class All:
    def __call__(self):
        return Note.objects.all()


class Late:
    """A proxy of something that is not there yet."""

    __slots__ = ()

    def __getattr__(self, name):
        raise LookupError(name)

    def __call__(self): ...


def late(method):
    found_first = Late()
    return lambda view, *args: (found_first, method)[1](view, *args)


class Objects(ListAPIView):
    """Hooks that are not methods are called without the view."""

    get_permissions = Permitted()
    get_serializer = NoteSerializer
    get_queryset = All()

    @late
    def initial(self, request):
        super().initial(request)


class Registry(type):
    def __getattr__(cls, name):
        raise LookupError(name)


class Registered(metaclass=Registry):
    """A class that may raise anything if it is asked for what it does not have."""


def registering(view):
    def registered(request):
        view.registry = Registered
        return view(request)

    registered.registry, registered.late = Registered, Late()
    return registered


def again(cls):
    """Make the class again of its attributes, as dataclass(slots=True) does."""
    names = {name: value for name, value in vars(cls).items() if not name.endswith("ict__")}
    return type(cls)(cls.__name__, cls.__bases__, names)


@dataclasses.dataclass(slots=True)
@guard(read="notes:read")
class Slots(APIView):
    size: int = 1

    def get(self, request):
        return Response(self.size)


@again
@guard(read="notes:read")
class Again(APIView):
    def get(self, request):
        return Response(1)


class Below(Again):
    pass


@again
@guard(read="notes:read")
class Plain(View):
    def get(self, request):
        return HttpResponse(b"1")


class Called:
    __slots__ = ()

    def __call__(self, request):
        return HttpResponse(b"1")


router = SimpleRouter()
for each in (Guarded, Exempt, Undeclared):
    router.register(each.__name__.lower(), each, basename=each.__name__)
MADE = {
    "slots": Slots.as_view(),
    "again": Again.as_view(),
    "below": Below.as_view(),
    "plain": Plain.as_view(),
    "called": guard(read="notes:read")(Called()),
}
urlpatterns = [
    path("", include(router.urls)),
    path("factories/", Factories.as_view()),
    path("registered/", registering(Factories.as_view())),
    path("objects/", guard(read="notes:read", owner="author")(Objects).as_view()),
    path("o/", include("api_guard.oauth2.urls")),
    *(path(name, view) for name, view in MADE.items()),
]


@pytest.fixture
def caller(api, alice, give):
    give(alice, "notes:read")
    api.raise_request_exception = False
    return api.by_session(alice)


@pytest.fixture
def exempt(settings):
    settings.API_GUARD = {**settings.API_GUARD, "EXEMPT": {f"{__name__}.Exempt": "a test"}}


def test_the_checks_and_commands_read_computed_attributes_and_factories(exempt):
    for check in CHECKS:
        check(app_configs=None)
    call_command("guard_endpoints")
    call_command("guard_init", "--settings=tests.settings")


def test_a_view_with_computed_attributes_is_not_missed(exempt):
    found = {(each.view.rpartition(".")[2], each.operation.method) for each in endpoints()}
    for view in ("Guarded", "Exempt", "Undeclared"):
        assert {(view, "GET"), (view, "POST"), (view, "DELETE")} <= found


def test_a_guarded_view_with_computed_attributes_works(caller, alice, bob):
    Note.objects.create(author=alice, title="hers")
    Note.objects.create(author=bob, title="his")
    assert [row["title"] for row in caller.get("/guarded/").data] == ["hers"]


def test_hooks_that_are_not_methods_are_called_and_held_to_the_rule(caller, client, alice, bob):
    Note.objects.create(author=alice, title="hers")
    Note.objects.create(author=bob, title="his")
    assert [row["title"] for row in caller.get("/objects/").data] == ["hers"]
    assert client.get("/objects/").status_code == 401


def test_an_exempt_view_computes_its_permissions_with_the_request_of_drf(caller, exempt):
    assert caller.get("/exempt/").status_code == 403
    assert caller.get("/exempt/?free=1").status_code == 200


def test_an_undeclared_view_with_computed_permissions_is_refused(caller):
    assert caller.get("/undeclared/").data["code"] == "undeclared_endpoint"


def test_a_property_is_not_what_it_returns():
    assert attribute_of(Computed, "permission_classes") == ()
    assert attribute_of(Computed, "serializer_class", None) is None
    assert attribute_of(Factories, "lookup_field", "pk") == "pk"


def test_the_classes_inside_factories_are_known():
    assert classes_of(None, Factories, "authentication_classes") == [Key]
    assert classes_of(None, Factories, "parser_classes") == [parsers.JSONParser]
    # Of a function nobody knows what it makes.
    assert _authenticators(None, Factories) is None
    assert _authenticators(None, Slots) == list(APIView.authentication_classes)


def test_a_class_beside_a_view_is_not_asked_for_what_it_does_not_have(caller):
    assert caller.get("/registered/").data["code"] == "not_authenticated"


def test_factories_are_called_as_drf_calls_them(caller):
    assert caller.get("/factories/").data["code"] == "not_authenticated"


@pytest.mark.parametrize("name", MADE)
def test_a_guarded_class_that_is_made_again_stays_guarded(caller, client, name):
    assert caller.get(f"/{name}").content == b"1"
    assert client.get(f"/{name}").status_code == 401


def test_a_site_below_a_prefix_starts(settings):
    settings.FORCE_SCRIPT_NAME = "/app/"
    before = get_script_prefix()
    set_script_prefix("/app/")
    try:
        assert is_routed("introspect")
        assert not {"api_guard.W039", "api_guard.W026"} & {each.id for each in check_toolkit()}
    finally:
        set_script_prefix(before)


def test_a_body_is_measured_below_a_prefix(settings):
    settings.FORCE_SCRIPT_NAME = "/app"
    most = str(asgi.conf.limits().bytes + 1)
    fields = {"content-length": most, "content-type": "application/json"}
    assert asgi._refusal({"path": "/app/factories/"}, fields)[0] == 413


def test_a_project_without_urls_starts(settings):
    settings.ROOT_URLCONF = None
    assert not is_routed("token")
    assert [each.id for each in check_toolkit()].count("api_guard.W026") == 1


def test_settings_without_a_file_are_only_proposed(settings):
    settings.SETTINGS_MODULE = None
    module = _settings_module()
    assert (module.__name__, module.API_GUARD) == ("settings", settings.API_GUARD)


def test_users_who_cannot_be_superusers_are_not_warned_of(monkeypatch):
    monkeypatch.setattr("api_guard.checks.granting.get_user_model", lambda: Note)
    assert check_permissions_of_users(databases=["default"]) == []


def test_users_without_groups_hold_nothing_through_one(alice, bob, give, monkeypatch):
    group = Group.objects.create(name="readers")
    bob.groups.add(group)
    give(group, "notes:read")
    give(alice, "notes:read")
    assert sorted(each.name for each in who.can("notes:read", 9)) == ["alice", "bob"]
    monkeypatch.setattr(who, "membership_of", lambda model: None)
    assert [each.name for each in who.can("notes:read", 9)] == ["alice"]
    assert [each.name for each in who.who_can("GET", "/slots", 9)] == ["alice"]


class Fixed:
    def __get__(self, view, cls):
        return lambda request: Response()

    def __delete__(self, view):
        raise AttributeError


@pytest.mark.parametrize("handler", [property(lambda view: Response), Fixed()])
def test_a_handler_that_no_instance_can_replace_is_refused_at_import(handler):
    kind = type(handler).__name__
    message = f"is a {kind}, which the guard cannot wrap: write def get\\(self, request\\)"
    with pytest.raises(GuardError, match=f"Odd.get {message}"):
        closed(type("Odd", (APIView,), {"get": handler}))
    with pytest.raises(GuardError, match=f"Below.get {message}"):
        type("Below", (closed(type("Top", (APIView,), {})),), {"get": handler})


class Handlers(APIView):
    """Handlers that are no plain methods."""

    def _get(self, request, text):
        return Response(text)

    get = functools.partialmethod(_get, text="partial")

    @functools.cached_property
    def post(self):
        return lambda request: Response("cached")

    @staticmethod
    def put(request):
        return Response("static")

    @classmethod
    def patch(cls, request):
        return Response("class")

    delete = functools.lru_cache(lambda view, request: Response("lru"))


@pytest.mark.parametrize("method", ["get", "post", "put", "patch", "delete"])
def test_a_handler_need_not_be_a_plain_method(method):
    view = guard(read=PUBLIC, write=PUBLIC)(type(f"Handlers{method}", (Handlers,), {})).as_view()
    assert view(getattr(APIRequestFactory(), method)("/")).status_code == 200
