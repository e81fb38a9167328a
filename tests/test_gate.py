"""No view runs that nobody declared, however it is hidden; what only names a view is let be."""

from __future__ import annotations

import inspect
import re
from functools import partial, wraps
from unittest import mock

import pytest
from adrf.decorators import api_view as async_api_view
from adrf.views import APIView as AsyncAPIView
from adrf.viewsets import ViewSet as AsyncViewSet
from asgiref.sync import async_to_sync
from django.apps import apps
from django.core.checks import run_checks
from django.http import HttpResponse
from django.test import AsyncClient
from django.urls import path
from django.views import View
from rest_framework.decorators import api_view, permission_classes
from rest_framework.generics import ListAPIView
from rest_framework.permissions import AllowAny
from rest_framework.response import Response
from rest_framework.schemas.openapi import SchemaGenerator
from rest_framework.views import APIView
from rest_framework.viewsets import ViewSet

from api_guard import PUBLIC, guard
from api_guard.access.endpoints import Status, endpoints, status_of
from api_guard.exceptions import UndeclaredEndpoint
from api_guard.permissions import Guarded, HasScopes
from tests.models import Note

pytestmark = [pytest.mark.urls(__name__), pytest.mark.django_db]


class Plain(APIView):
    """Answers no Response of DRF's, so that nothing at it says which view it came from."""

    permission_classes = [AllowAny]

    def get(self, request, **kwargs):
        Note.objects.create(title="stored")
        return HttpResponse("leaked")


class OwnDispatch(Plain):
    def dispatch(self, request, *args, **kwargs):
        return self.get(request)


class OwnInitial(Plain):
    def initial(self, request, *args, **kwargs):
        pass


class OwnInit(Plain):
    def __init__(self, **kwargs):
        pass

    def setup(self, request, *args, **kwargs):
        self.request, self.args, self.kwargs = request, args, kwargs

    def dispatch(self, request, *args, **kwargs):
        return self.get(request)


class Singleton(Plain):
    def __new__(cls, *args, **kwargs):
        return object.__new__(cls)

    def dispatch(self, request, *args, **kwargs):
        return self.get(request)


class Set(ViewSet):
    permission_classes = [AllowAny]

    def list(self, request, **kwargs):
        Note.objects.create(title="stored")
        return HttpResponse("leaked")


class OwnSet(Set):
    def __init__(self, **kwargs):
        pass

    def dispatch(self, request, *args, **kwargs):
        return self.list(request)


@api_view(["GET"])
@permission_classes([AllowAny])
def function(request):
    Note.objects.create(title="stored")
    return HttpResponse("leaked")


class HandsOver(View):
    views = {"a": Plain.as_view()}

    def get(self, request):
        return self.views["a"](request)


class Choosing(View):
    choices = None

    def get(self, request):
        return self.choices["a"](request)


class NotNoted(Plain):
    """Its as_view() returns a function that has no `cls`."""

    @classmethod
    def as_view(cls, **initkwargs):
        def view(request, *args, **kwargs):
            self = cls(**initkwargs)
            self.setup(request, *args, **kwargs)
            return self.dispatch(request, *args, **kwargs)

        return view


class Calls:
    def __init__(self, *views):
        self.views = views

    def __call__(self, request):
        return self.views[0](request)

    def handle(self, request):
        return self.views[0](request)


class Unhashable(Calls):
    __hash__ = None


def factory(view_class):
    def view(request):
        return view_class.as_view()(request)

    return view


def over_dict(views):
    def view(request):
        return views[request.method](request)

    return view


def over_list(views):
    def view(request):
        return next(iter(views))(request)

    return view


def by_default(request, view=Plain.as_view()):  # noqa: B008
    return view(request)


def by_keyword(request, *, view=Plain.as_view()):  # noqa: B008
    return view(request)


def applied(view, request):
    return view(request)


def applied_by_name(request, *, view):
    return view(request)


TABLE = {"GET": Plain.as_view()}


def from_a_table(request):
    return TABLE[request.method](request)


def from_the_class(request):
    return (lambda: Plain.as_view())()(request)


@wraps(from_a_table)
def copied(request):
    return from_a_table(request)


def given(view_class):
    """Give a view a dispatch() of its own as Django lets one do."""
    return view_class.as_view(dispatch=lambda request: HttpResponse("leaked"))


HIDDEN = {
    "factory": factory(Plain),
    "factory-own-dispatch": factory(OwnDispatch),
    "factory-own-initial": factory(OwnInitial),
    "factory-own-init": factory(OwnInit),
    "factory-own-new": factory(Singleton),
    "dict": over_dict({"GET": Plain.as_view()}),
    "dict-of-sets": over_dict({"GET": Set.as_view({"get": "list"})}),
    "dict-of-own-sets": over_dict({"GET": OwnSet.as_view({"get": "list"})}),
    "list": over_list([Plain.as_view()]),
    "tuple": over_list((function,)),
    "set": over_list({function}),
    "nested": over_dict({"GET": over_list([[Plain.as_view()]][0])}),
    "partial": partial(applied, Plain.as_view()),
    "partial-class": partial(lambda cls, request: cls.as_view()(request), Plain),
    "partial-keyword": partial(applied_by_name, view=function),
    "not-noted": NotNoted.as_view(),
    "view-class": View.as_view.__func__(OwnDispatch),
    "callable": Calls(Plain.as_view()),
    "method": Calls(Plain.as_view()).handle,
    "default": by_default,
    "keyword": by_keyword,
    "table": from_a_table,
    "copied": copied,
    "by-class": from_the_class,
    "plain-class": HandsOver.as_view(),
    "initkwargs": Choosing.as_view(choices={"a": Plain.as_view()}),
    "given": over_list([given(Plain)]),
}


# The same, and no hole.


@guard(read=PUBLIC)
class Open(APIView):
    def get(self, request):
        return Response("open")


class Scoped(APIView):
    permission_classes = [HasScopes("notes:read")]

    def get(self, request):
        return Response("scoped")


OPEN, SCOPED = Open.as_view(), Scoped.as_view()
by_initkwargs = type("Other", (Plain,), {}).as_view(permission_classes=[HasScopes("notes:read")])


def page(request, see_also=OPEN):
    return HttpResponse("page")


def names(view):
    def page(request):
        return HttpResponse(view.__name__)

    return page


def names_class(view_class):
    def page(request):
        return HttpResponse(view_class.__name__)

    return page


def holds(anything):
    def page(request):
        return HttpResponse(str(len(anything)))

    return page


def menu(request):
    return HttpResponse(" ".join(view.__name__ for view in MENU.values()))


MENU = {"open": OPEN, "scoped": SCOPED}


class Menu:
    def __init__(self, views):
        self.views = views

    def __call__(self, request):
        return HttpResponse(str(len(self.views)))


def borrows(request):
    view = Unrouted()
    view.setup(request)
    return HttpResponse(str(view.get_queryset().count()))


class Unrouted(ListAPIView):
    queryset = Note.objects.all()


TWINS = {
    "names-open-class": names_class(Unrouted),
    "default": page,
    "names": names(OPEN),
    "names-class": names_class(Open),
    "dict": holds({"open": OPEN}),
    "list": holds([OPEN, SCOPED]),
    "classes": holds([Open, Scoped]),
    "base-classes": holds([APIView, ListAPIView, ViewSet]),
    "harmless": holds({"a": 1, "b": [print, len]}),
    "partial": partial(lambda view, request: HttpResponse("page"), OPEN),
    "menu": menu,
    "callable": Menu([OPEN]),
    "plain-class": Choosing.as_view(choices={"a": page}),
}
CALLING_TWINS = {
    "factory": factory(Open),
    "dict": over_dict({"GET": OPEN}),
    "callable": Calls(OPEN),
    "partial": partial(applied, OPEN),
    "not-noted": guard(read=PUBLIC)(type("Noted", (NotNoted,), {})).as_view(),
}

urlpatterns = [
    *(path(f"hidden/{name}", view) for name, view in HIDDEN.items()),
    *(path(f"twins/{name}", view) for name, view in TWINS.items()),
    *(path(f"calling/{name}", view) for name, view in CALLING_TWINS.items()),
    path("scoped", over_list([SCOPED])),
    path("by-initkwargs", over_list([by_initkwargs])),
    path("borrows", borrows),
]


@pytest.fixture(params=["with the middleware", "without it"])
def site(request, settings):
    if request.param == "without it":
        settings.MIDDLEWARE = settings.MIDDLEWARE[1:]


@pytest.mark.parametrize("name", HIDDEN)
def test_a_hidden_view_that_nobody_declared_is_refused_before_it_runs(api, site, name):
    response = api.get(f"/hidden/{name}")
    assert (response.status_code, response.json()["code"]) == (403, "undeclared_endpoint")
    assert response["Cache-Control"] == "no-store"
    assert not Note.objects.exists()


@pytest.mark.parametrize("name", HIDDEN)
def test_a_hidden_view_is_named_by_the_check_and_in_the_listing(name):
    assert status_of(HIDDEN[name], "/") is Status.UNGUARDED
    assert {e.status for e in endpoints() if e.route == f"/hidden/{name}"} == {Status.UNGUARDED}


def test_a_search_comes_to_an_end():
    endless = []
    for _ in range(5000):
        endless.append([endless])
    assert status_of(holds(endless), "/") is None

    assert status_of(Unhashable(Plain.as_view()), "/") is Status.UNGUARDED

    def before(request):
        return never_assigned(request)

    if False:
        never_assigned = None
    assert status_of(before, "/") is None


def test_the_check_names_the_class_that_is_hidden(monkeypatch):
    monkeypatch.setattr("api_guard.checks.endpoints._NAMED", 99)
    [text] = [m.msg for m in run_checks() if m.id == "api_guard.E002"]
    said = {f"{__name__}.{name}" for name in re.findall(r"(\w+) at /", text)}
    hidden = ["Plain", "OwnDispatch", "OwnInitial", "OwnInit", "Singleton", "Set", "OwnSet"]
    assert said == {
        f"{__name__}.{name}"
        for name in [*hidden, "NotNoted", "function", "ByDefault", *ASYNC_CLASSES]
    }


@pytest.mark.parametrize("name", TWINS)
def test_what_only_names_a_view_raises_no_alarm_and_is_not_refused(api, site, name):
    assert api.get(f"/twins/{name}").status_code == 200
    assert not [e for e in endpoints() if e.route == f"/twins/{name}" and e.status in LOOSE]


LOOSE = (Status.UNGUARDED, Status.UNKNOWN)


@pytest.mark.parametrize("name", CALLING_TWINS)
def test_a_hidden_view_that_is_guarded_answers(api, site, name):
    assert api.get(f"/calling/{name}").status_code == 200
    assert not [e for e in endpoints() if e.route == f"/calling/{name}" and e.status in LOOSE]


@pytest.mark.parametrize("route", ["/scoped", "/by-initkwargs"])
def test_a_hidden_view_that_asks_for_scopes_is_declared(api, site, alice, give, route):
    assert api.get(route).status_code == 401
    give(alice, "notes:read")
    assert api.by_session(alice).get(route).status_code == 200


def test_a_view_may_be_set_up_to_borrow_from_it(api, site):
    assert api.get("/borrows").content == b"0"


@pytest.mark.parametrize(
    "exempt", [f"{__name__}.Plain", f"{__name__}.from_a_table", "the module of either"]
)
def test_an_exempt_callback_covers_what_it_calls(api, site, settings, exempt):
    name = exempt if exempt.startswith(__name__) else __name__
    settings.API_GUARD = {**settings.API_GUARD, "EXEMPT": {name: "for the test"}}
    assert api.get("/hidden/table").content == b"leaked"
    assert status_of(from_a_table, "/") in (Status.EXEMPT, None)


def test_an_exempt_callback_covers_a_view_whose_permission_is_the_default(api, site, settings):
    settings.API_GUARD = {**settings.API_GUARD, "EXEMPT": {f"{__name__}.calls": "for the test"}}
    assert api.get("/calls").content == b"leaked"


class ByDefault(APIView):
    def get(self, request):
        return HttpResponse("leaked")


def calls(request):
    return ByDefault.as_view()(request)


urlpatterns.append(path("calls", calls))


def over_one(view):
    def exempt_by_name(request):
        return view(request)

    return exempt_by_name


urlpatterns.append(path("over-one", over_one(Plain.as_view())))


def test_an_exempt_callback_covers_the_view_that_it_stands_around(api, site, settings):
    assert api.get("/over-one").status_code == 403
    name = f"{__name__}.over_one.<locals>.exempt_by_name"
    settings.API_GUARD = {**settings.API_GUARD, "EXEMPT": {name: "for the test"}}
    assert api.get("/over-one").content == b"leaked"


def test_the_default_permission_refuses_what_nobody_declared_too(rf):
    view = Plain()
    request = view.initialize_request(rf.get("/"))
    with pytest.raises(UndeclaredEndpoint):
        Guarded().has_permission(request, view)
    assert Guarded().has_permission(request, Open())


def test_a_refusal_undoes_what_an_atomic_request_has_written(api, settings, monkeypatch):
    from django.db import connection

    monkeypatch.setitem(connection.settings_dict, "ATOMIC_REQUESTS", True)
    assert api.get("/writes").status_code == 403
    assert not Note.objects.exists()


def writes(request):
    Note.objects.create(title="before")
    return TABLE["GET"](request)


urlpatterns.append(path("writes", writes))


def test_who_calls_another_dispatch_is_refused_by_initial(rf):
    view = Plain()
    view.setup(rf.get("/"))
    response = APIView.dispatch(view, rf.get("/"))
    assert (response.status_code, response.data["code"]) == (403, "undeclared_endpoint")
    assert not Note.objects.exists()


def test_what_a_class_is_patched_with_is_called(rf, monkeypatch):
    class Tested(Open):
        pass

    monkeypatch.setattr(Tested, "dispatch", lambda view, request: HttpResponse("patched"))
    assert Tested.as_view()(rf.get("/")).content == b"patched"
    view = Tested.as_view()
    with mock.patch.object(Tested, "dispatch") as dispatch:
        view(rf.get("/"), pk=1)
    dispatch.assert_called_once_with(mock.ANY, pk=1)


def test_a_dispatch_that_a_guarded_view_is_given_is_called(rf):
    assert given(Open)(rf.get("/")).content == b"leaked"


def test_a_view_without_a_request_of_django_s_goes_its_own_way():
    class Odd(Open):
        def dispatch(self, request):
            return request

    assert Odd().dispatch("no request") == "no request"
    assert Plain().dispatch("no request").status_code == 403


def test_a_base_with_a_constructor_of_its_own_is_given_its_arguments():
    class Base:
        def __new__(cls, *args, **kwargs):
            made = super().__new__(cls)
            made.given = kwargs
            return made

    class Both(Open, Base):
        permission_classes = ()

    assert Both(permission_classes=[]).given == {"permission_classes": []}


def test_the_signature_of_a_view_stays_its_own():
    class Injected(APIView):
        def __init__(self, service: int, **kwargs):
            pass

    assert list(inspect.signature(Injected).parameters) == ["service", "kwargs"]


def test_to_be_ready_twice_changes_nothing(api):
    names = ("__new__", "setup", "initial", "handle_exception")
    before = [APIView.__dict__[name] for name in names]
    apps.get_app_config("api_guard").ready()
    assert [APIView.__dict__[name] for name in names] == before


@pytest.mark.parametrize("is_ready_after", [False, True])
@pytest.mark.parametrize("keeps_name", [False, True])
def test_a_tool_may_put_its_own_function_into_drf_s_class(
    api, alice, give, monkeypatch, keeps_name, is_ready_after
):
    whole = APIView.initial

    def traced(self, request, *args, **kwargs):
        return whole(self, request, *args, **kwargs)

    monkeypatch.setattr(APIView, "initial", wraps(whole)(traced) if keeps_name else traced)
    if is_ready_after:
        apps.get_app_config("api_guard").ready()
    assert status_of(SCOPED, "/") is Status.GUARDED
    give(alice, "notes:read")
    assert api.by_session(alice).get("/scoped").status_code == 200
    assert api.get("/hidden/factory-own-init").status_code == 403


def test_a_schema_generator_asks_views_that_nobody_calls():
    generator = SchemaGenerator(patterns=[path("plain", Plain.as_view()), path("open", OPEN)])
    assert set(generator.get_schema()["paths"]) == {"/plain", "/open"}


# Async views, by adrf.


class AsyncPlain(AsyncAPIView):
    permission_classes = [AllowAny]

    async def get(self, request):
        await Note.objects.acreate(title="stored")
        return HttpResponse("leaked")


class AsyncOwnDispatch(AsyncPlain):
    async def dispatch(self, request, *args, **kwargs):
        return await self.get(request)


class AsyncSet(AsyncViewSet):
    permission_classes = [AllowAny]

    async def list(self, request):
        await Note.objects.acreate(title="stored")
        return HttpResponse("leaked")


@async_api_view(["GET"])
async def async_function(request):
    await Note.objects.acreate(title="stored")
    return HttpResponse("leaked")


async_function.cls.permission_classes = [AllowAny]


class AsyncScoped(AsyncAPIView):
    permission_classes = [HasScopes("notes:read")]

    async def get(self, request):
        return HttpResponse("scoped")


def async_factory(view_class):
    async def view(request):
        return await view_class.as_view()(request)

    return view


def async_over(views):
    async def view(request):
        return await views[0](request)

    return view


class SyncHandlers(Plain):
    """Of a library that calls it from a coroutine."""

    async def dispatch(self, request, *args, **kwargs):
        return self.get(request)


class Mixed(Plain):
    async def post(self, request):
        pass

    @classmethod
    def as_view(cls):
        return lambda request: cls().dispatch(request)


ASYNC_HIDDEN = {
    "factory": async_factory(AsyncPlain),
    "own-dispatch": async_factory(AsyncOwnDispatch),
    "list": async_over([AsyncPlain.as_view()]),
    "set": async_over([AsyncSet.as_view({"get": "list"})]),
    "function": async_over([async_function]),
    "sync-handlers": async_factory(SyncHandlers),
    "mixed": Mixed.as_view(),
}
urlpatterns += [path(f"async/{name}", view) for name, view in ASYNC_HIDDEN.items()]
urlpatterns.append(path("async-scoped", AsyncScoped.as_view()))
urlpatterns.append(path("async-hidden-scoped", async_over([AsyncScoped.as_view()])))


ASYNC_CLASSES = ["AsyncPlain", "AsyncOwnDispatch", "AsyncSet", "async_function", "SyncHandlers"]
ASYNC_CLASSES.append("Mixed")


@pytest.mark.parametrize("name", ASYNC_HIDDEN)
@pytest.mark.django_db(transaction=True)
def test_an_async_view_that_nobody_declared_is_refused(site, name):
    response = async_to_sync(AsyncClient().get)(f"/async/{name}")
    assert (response.status_code, response.json()["code"]) == (403, "undeclared_endpoint")
    assert not Note.objects.exists()
    assert status_of(ASYNC_HIDDEN[name], "/") is Status.UNGUARDED


@pytest.mark.parametrize("name", ASYNC_HIDDEN)
def test_an_async_view_is_refused_under_wsgi_too(api, site, name):
    assert api.get(f"/async/{name}").json()["code"] == "undeclared_endpoint"
    assert not Note.objects.exists()


@pytest.mark.parametrize("route", ["/async-scoped", "/async-hidden-scoped"])
@pytest.mark.django_db(transaction=True)
def test_an_async_view_that_asks_for_scopes_answers(site, alice, give, issue, route):
    assert async_to_sync(AsyncClient().get)(route).status_code == 401
    give(alice, "notes:read")
    give(issue("notes:read", user=alice).application, "notes:read")
    token = issue("notes:read", user=alice).token
    header = {"authorization": f"Bearer {token}"}
    assert async_to_sync(AsyncClient().get)(route, headers=header).content == b"scoped"
    assert status_of(AsyncScoped.as_view(), "/") is Status.GUARDED
