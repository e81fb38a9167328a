"""Every way to leak an endpoint that we know of, refused; its twin, written right, let through."""

from __future__ import annotations

import asyncio
from functools import partial

import pytest
from django.http import HttpResponse, HttpResponseRedirect, StreamingHttpResponse
from django.test import AsyncClient
from django.urls import include, path, re_path
from django.utils.decorators import method_decorator
from django.views import View
from django.views.decorators.cache import cache_page
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import condition
from rest_framework import permissions
from rest_framework.authtoken.views import ObtainAuthToken, obtain_auth_token
from rest_framework.decorators import action, api_view, permission_classes
from rest_framework.response import Response
from rest_framework.routers import DefaultRouter, SimpleRouter
from rest_framework.views import APIView
from rest_framework.viewsets import ViewSet

from api_guard import PUBLIC, guard
from api_guard.access.endpoints import Status, endpoints, status_of
from api_guard.permissions import HasScopes

pytestmark = [pytest.mark.urls(__name__), pytest.mark.django_db]

PREFIX = "/plain/"


class Answer(APIView):
    def get(self, request):
        return Response("leaked")


class Empty(Answer):
    permission_classes = []


class AllowAny(Answer):
    permission_classes = [permissions.AllowAny]


class GetPermissions(Answer):
    def get_permissions(self):
        return []


class LooseBase:
    permission_classes = []

    def check_permissions(self, request):
        pass


class LooseFirst(LooseBase, Answer):
    pass


class Mistyped(permissions.BasePermission):
    def has_permissions(self, request, view):
        return False


class ObjectOnly(permissions.BasePermission):
    def has_object_permission(self, request, view, obj):
        return False


class Deny(permissions.BasePermission):
    def has_permission(self, request, view):
        return False


class Asynchronous(permissions.BasePermission):
    async def has_permission(self, request, view):
        return False


class Truthy(permissions.BasePermission):
    def has_permission(self, request, view):
        return "no"


class Silent(permissions.BasePermission):
    def has_permission(self, request, view):
        pass


class ObjectTruthy(permissions.BasePermission):
    def has_object_permission(self, request, view, obj):
        return "no"


class Good(permissions.BasePermission):
    message = "good"

    def has_permission(self, request, view):
        return True


class WithoutSuper(Answer):
    def initial(self, request, *args, **kwargs):
        from rest_framework.renderers import JSONRenderer

        request.accepted_renderer, request.accepted_media_type = JSONRenderer(), "text/json"


class OwnDispatch(Answer):
    def dispatch(self, request, *args, **kwargs):
        return HttpResponse("leaked")


class OwnStream(Answer):
    def dispatch(self, request, *args, **kwargs):
        return StreamingHttpResponse(iter([b"leaked"]))


class OwnRedirect(Answer):
    def dispatch(self, request, *args, **kwargs):
        return HttpResponseRedirect("https://signed.example/leaked")


class OwnError(Answer):
    def dispatch(self, request, *args, **kwargs):
        return HttpResponse("no", status=418)


class Deferring(Answer):
    """Hands its request on to another view, whose decision is not its own."""

    def dispatch(self, request, *args, **kwargs):
        return guarded_public(request)


class GoodDispatch(Answer):
    def dispatch(self, request, *args, **kwargs):
        return super().dispatch(request, *args, **kwargs)


class Actions(ViewSet):
    def list(self, request):
        return Response("leaked")

    @action(detail=False, permission_classes=[])
    def extra(self, request):
        return Response("leaked")


@api_view(["GET"])
@permission_classes([])
def function(request):
    return Response("leaked")


def hidden(view):
    def decorated(request):
        return view(request)

    return decorated


class ScopesThenNone(Answer):
    permission_classes = [HasScopes("notes:read")]

    def get_permissions(self):
        return []


class Scopes(Answer):
    permission_classes = [HasScopes("notes:read")]


def plain(request):
    return HttpResponse("leaked")


class PlainClass(View):
    def get(self, request):
        return HttpResponse("leaked")


@method_decorator(csrf_exempt, name="dispatch")
class Decorated(PlainClass):
    pass


class PlainCallable:
    def __call__(self, request):
        return HttpResponse("leaked")


def guarded(cls, **initkwargs):
    return guard(read=PUBLIC)(cls).as_view(**initkwargs)


def by(*classes):
    return guarded(Answer, permission_classes=list(classes))


guarded_public = guarded(Answer)


class Patched(Answer):
    pass


Patched = guard(read="notes:read")(Patched)
patched = Patched.as_view()
Patched.check_permissions = lambda self, request: None

UNDECLARED = {
    "empty": Empty.as_view(),
    "allow-any": AllowAny.as_view(),
    "initkwargs": Answer.as_view(permission_classes=[]),
    "get-permissions": GetPermissions.as_view(),
    "loose-first": LooseFirst.as_view(),
    "mistyped": Answer.as_view(permission_classes=[Mistyped]),
    "or-object-only": Answer.as_view(permission_classes=[permissions.IsAdminUser | ObjectOnly]),
    "not-deny": Answer.as_view(permission_classes=[~Deny]),
    "async": Answer.as_view(permission_classes=[Asynchronous]),
    "truthy": Answer.as_view(permission_classes=[Truthy]),
    "initial": WithoutSuper.as_view(),
    "dispatch": OwnDispatch.as_view(),
    "action": Actions.as_view({"get": "extra"}, permission_classes=[]),
    "function": function,
    "library": obtain_auth_token,
    "hidden": hidden(Empty.as_view()),
    "cached": cache_page(60)(Empty.as_view()),
    "waived": Answer.as_view(permission_classes=[HasScopes("notes:read") | Good]),
}
UNSEALED = {
    "dispatch": guarded(OwnDispatch),
    "stream": guarded(OwnStream),
    "redirect": guarded(OwnRedirect),
    "deferring": guarded(Deferring),
    "scopes-then-none": ScopesThenNone.as_view(),
    "initial": guarded(WithoutSuper),
    "patched": patched,
}
STRICT = {
    "async": by(Asynchronous),
    "truthy": by(Truthy),
    "silent": by(Silent),
    "deny": by(Deny),
    "and": by(Good & Truthy),
    "not": by(~Truthy),
    "not-silent": by(~Silent),
    "not-async": by(~Asynchronous),
    "not-or": by(~(Silent | Deny)),
}
NAMED = {
    "async": "Asynchronous",
    "not-async": "Asynchronous",
    "not-silent": "Silent",
    "not-or": "Silent",
}
LET_THROUGH = {
    "guarded": guarded_public,
    "good": by(Good),
    "and": by(Good & Good),
    "not": by(~Deny),
    "or": by(Deny | Good),
    "not-and": by(~(Deny & Good)),
    "dispatch": guarded(GoodDispatch),
    "loose": guarded(LooseFirst),
    "hidden": hidden(guarded_public),
    "conditional": condition(etag_func=lambda request: '"1"')(guarded_public),
    "stream": guarded(type("Stream", (Answer,), {"get": lambda s, r: StreamingHttpResponse("x")})),
    "redirect": guarded(type("To", (Answer,), {"get": lambda s, r: HttpResponseRedirect("/")})),
}


class Router(DefaultRouter):
    APIRootView = guard(read=PUBLIC)(DefaultRouter.APIRootView)


good_router, bare_router = Router(), DefaultRouter()
for router in (good_router, bare_router):
    router.register("actions", guard(read=PUBLIC)(Actions), basename="actions")

cached_guarded = cache_page(60)(guard(read="notes:read")(Answer).as_view())


def below(prefix, views):
    return path(prefix, include([path(name, view) for name, view in views.items()]))


urlpatterns = [
    below("undeclared/", UNDECLARED),
    below("unsealed/", UNSEALED),
    below("strict/", STRICT),
    below("fine/", LET_THROUGH),
    path("error", guarded(OwnError)),
    path("cached", cached_guarded),
    path("cached-public", cache_page(60)(guarded_public)),
    path("cached-actions", cache_page(60)(guard(read=PUBLIC)(Actions).as_view({"get": "list"}))),
    path("scopes", Scopes.as_view()),
    path("router/", include(good_router.urls)),
    path("bare-router/", include(bare_router.urls)),
    path("slash/", guarded_public),
    path("outside", plain),
    path("calls-by-name", lambda request: calls_by_name(request)),
    path("calls-guarded", lambda request: calls_guarded(request)),
    path("cacheable", guard(read="notes:read")(Answer).as_view()),
    path("plain/decorated", Decorated.as_view()),
    path("plain/partial", partial(plain)),
    path("plain/function", plain),
    path("plain/class", PlainClass.as_view()),
    path("plain/callable", PlainCallable()),
    re_path("^plain/regex$", plain),
]


def code(response):
    return response.status_code, response.json()["code"]


@pytest.mark.parametrize("name", UNDECLARED)
def test_what_nobody_declared_is_refused_before_it_runs(api, admin_user, name):
    api.by_session(admin_user)
    assert code(api.get(f"/undeclared/{name}")) == (403, "undeclared_endpoint")
    assert status_of(UNDECLARED[name], "/") is Status.UNGUARDED


@pytest.mark.parametrize("name", UNSEALED)
def test_an_answer_that_nobody_decided_is_refused(api, name, caplog):
    response = api.get(f"/unsealed/{name}")
    assert code(response) == (403, "unsealed")
    assert b"leaked" not in response.content
    assert "location" not in response
    assert any(record.levelname == "ERROR" for record in caplog.records)


@pytest.mark.parametrize("name", STRICT)
def test_a_permission_admits_only_by_true(api, name, caplog):
    response = api.get(f"/strict/{name}")
    assert response.status_code in (401, 403)
    errors = [record.message for record in caplog.records if record.levelname == "ERROR"]
    assert bool(errors) is (name not in ("silent", "deny"))
    if errors:
        assert f"tests.test_leaks.{NAMED.get(name, 'Truthy')}" in errors[0]


def test_an_object_permission_admits_only_by_true(api, rf):
    cls = guard(read=PUBLIC)(type("Objects", (Answer,), {"permission_classes": [ObjectTruthy]}))
    view = cls()
    request = view.initialize_request(rf.get("/"))
    view.request = request
    with pytest.raises(permissions.exceptions.APIException):
        view.check_object_permissions(request, object())


def test_a_strict_permission_still_looks_like_itself():
    view = guard(read=PUBLIC)(type("Looks", (Answer,), {"permission_classes": [Good]}))()
    [permission] = view.get_permissions()
    assert isinstance(permission, Good)
    assert (permission.__class__, permission.message) == (Good, "good")


@pytest.mark.parametrize("name", LET_THROUGH)
def test_a_twin_that_is_written_right_is_let_through(api, name):
    assert api.get(f"/fine/{name}").status_code in (200, 302)
    assert status_of(LET_THROUGH[name], "/") is Status.GUARDED


def test_a_token_in_the_query_string_is_refused_wherever_it_is_sent(api, alice, issue):
    query = {"access_token": issue("notes:read", user=alice).token}
    for url in ("/fine/guarded", "/fine/stream", "/scopes", "/undeclared/empty"):
        response = api.get(url, query)
        assert code(response) == (400, "token_in_query")
        assert response["WWW-Authenticate"] == (
            'Bearer realm="api", error="invalid_request", '
            'error_description="The access token must not be in the query string"'
        )
    assert api.get("/outside", query).status_code == 200
    assert api.get("/nowhere", query).status_code == 404
    assert api.get("/fine/guarded", {"q": "access_token"}).status_code == 200


def test_where_tls_is_asked_for_the_api_is_refused_in_clear_and_not_redirected(api, settings):
    settings.SECURE_SSL_REDIRECT = True
    settings.MIDDLEWARE = [
        settings.MIDDLEWARE[0],
        "django.middleware.security.SecurityMiddleware",
        *settings.MIDDLEWARE[1:],
    ]
    assert code(api.get("/fine/guarded")) == (403, "insecure_transport")
    assert api.get("/fine/guarded", secure=True).status_code == 200
    assert api.get("/outside").status_code == 301


def test_what_may_be_asked_for_in_clear_is_left_alone(api, settings):
    settings.SECURE_SSL_REDIRECT = True
    settings.SECURE_REDIRECT_EXEMPT = ["^fine/guarded$"]
    assert api.get("/fine/guarded").status_code == 200
    assert code(api.get("/fine/good")) == (403, "insecure_transport")


def test_an_error_of_the_view_passes_the_seal(api):
    assert api.get("/error").status_code == 418


def test_what_never_reached_a_view_passes_the_seal(api):
    assert api.get("/slash").status_code == 301
    assert api.get("/nowhere").status_code == 404


def test_an_answer_that_has_not_changed_passes_the_seal(api, settings):
    middleware = "django.middleware.http.ConditionalGetMiddleware"
    settings.MIDDLEWARE = [*settings.MIDDLEWARE, middleware]
    etag = api.get("/fine/guarded")["ETag"]
    assert api.get("/fine/guarded", HTTP_IF_NONE_MATCH=etag).status_code == 304


def test_a_condition_outside_the_guard_tells_nobody_that_nothing_changed(api):
    assert api.get("/fine/conditional").status_code == 200
    assert code(api.get("/fine/conditional", HTTP_IF_NONE_MATCH='"1"')) == (403, "unsealed")


def test_a_cache_around_a_guarded_view_serves_nobody_else(api, alice, give):
    give(alice, "notes:read")
    assert api.get("/cached").status_code == 401
    assert api.by_session(alice).get("/cached").status_code == 200
    api.logout()
    assert api.get("/cached").status_code in (401, 403)


def test_a_cached_answer_for_everybody_was_decided_when_it_was_stored(api):
    assert api.get("/cached-public").json() == "leaked"
    assert api.get("/cached-public").json() == "leaked"
    assert api.head("/cached-public").status_code == 200
    assert api.get("/cached-actions").json() == "leaked"
    assert api.get("/cached-actions").json() == "leaked"


def test_options_is_never_an_answer_from_a_cache(api, settings):
    # Django's middleware sets, for whatever it will not store, the flag that it sets for a hit.
    settings.MIDDLEWARE = [
        *settings.MIDDLEWARE,
        "django.middleware.cache.FetchFromCacheMiddleware",
    ]
    assert code(api.options("/unsealed/dispatch")) == (403, "unsealed")


def test_a_view_declared_by_its_scopes_is_decided_by_them(api, alice, give):
    assert api.get("/scopes").status_code == 401
    give(alice, "notes:read")
    assert api.by_session(alice).get("/scopes").status_code == 200


def test_a_router_s_root_is_guarded_like_any_view(api):
    assert api.get("/router/").status_code == 200
    assert api.get("/router/actions/extra/").status_code == 200
    assert code(api.get("/bare-router/")) == (403, "undeclared_endpoint")


by_name = Empty.as_view()


def calls_by_name(request):
    return by_name(request)


def calls_guarded(request):
    return guarded_public(request)


def test_a_view_that_a_plain_one_calls_is_refused_all_the_same(api, settings):
    assert code(api.get("/calls-by-name")) == (403, "undeclared_endpoint")
    assert api.get("/calls-guarded").json() == "leaked"
    exempt = {**settings.API_GUARD, "EXEMPT": {"tests.test_leaks.Empty": "for the test"}}
    settings.API_GUARD = exempt
    assert api.get("/calls-by-name").json() == "leaked"


def test_a_cache_for_the_whole_site_keeps_nothing_that_is_guarded(
    api, application, issue, give, settings
):
    from api_guard import grants

    settings.MIDDLEWARE = [
        settings.MIDDLEWARE[0],
        "django.middleware.cache.UpdateCacheMiddleware",
        *settings.MIDDLEWARE[1:],
        "django.middleware.cache.FetchFromCacheMiddleware",
    ]
    [row] = give(application, "notes:read")
    api.by_token(issue("notes:read"))
    response = api.get("/cacheable")
    assert response.json() == "leaked"
    assert response["Cache-Control"] == "private, no-store"
    assert {"Authorization", "Cookie"} <= set(response["Vary"].split(", "))
    grants.revoke(row, by=grants.System("a test"))
    assert api.get("/cacheable").status_code == 403
    # A public answer is kept where it was given to nobody in particular.
    assert api.get("/slash/")["Cache-Control"] == "private, no-store"
    api.credentials()
    assert "private" not in api.get("/slash/")["Cache-Control"]


@pytest.fixture
def prefixed(settings):
    settings.API_GUARD = {**settings.API_GUARD, "PREFIXES": [PREFIX]}
    return settings


@pytest.mark.parametrize("name", ["function", "class", "callable", "regex", "decorated", "partial"])
def test_below_the_prefixes_every_view_is_refused_that_is_not_exempt(api, prefixed, name):
    assert code(api.get(f"{PREFIX}{name}")) == (403, "undeclared_endpoint")
    assert api.get("/outside").content == b"leaked"
    assert api.get("/fine/guarded").status_code == 200
    views = ["plain", "PlainClass", "PlainCallable", "Decorated"]
    exempt = {f"tests.test_leaks.{view}": "for the test" for view in views}
    prefixed.API_GUARD = {**prefixed.API_GUARD, "EXEMPT": exempt}
    assert api.get(f"{PREFIX}{name}").status_code == 200


@pytest.mark.parametrize("path", ["/plain/x", "/en/plain/x", "/de/plain/x"])
def test_a_prefix_holds_in_every_language(prefixed, path):
    assert status_of(plain, path) is Status.UNGUARDED
    assert status_of(plain, path.replace("plain", "other")) is None
    assert status_of(plain, f"/xx{path}") is None


def test_below_the_prefixes_plain_views_are_listed(prefixed):
    found = {e.route: e for e in endpoints() if e.route.startswith(PREFIX)}
    names = ("function", "class", "callable", "regex$", "decorated", "partial")
    assert set(found) == {f"{PREFIX}{name}" for name in names}
    assert {e.status for e in found.values()} == {Status.UNGUARDED}
    assert found["/plain/class"].view == "tests.test_leaks.PlainClass"
    assert found["/plain/decorated"].view == "tests.test_leaks.Decorated"


@pytest.mark.parametrize(
    "path",
    [
        "rest_framework.authtoken.views.obtain_auth_token",
        "rest_framework.authtoken.views.ObtainAuthToken",
        "rest_framework.authtoken.views",
    ],
)
def test_a_library_s_view_is_exempt_by_any_name_it_has(api, settings, path):
    settings.API_GUARD = {**settings.API_GUARD, "EXEMPT": {path: "issues tokens"}}
    assert api.get("/undeclared/library").status_code == 405
    assert status_of(ObtainAuthToken.as_view(), "/") is Status.EXEMPT


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/fine/guarded", 200),
        ("/undeclared/empty", 403),
        ("/unsealed/dispatch", 403),
        ("/nowhere", 404),
        ("/fine/guarded?access_token=x", 400),
    ],
)
@pytest.mark.django_db(transaction=True)
def test_under_asgi_the_gate_and_the_seal_stand_too(path, status):
    response = asyncio.run(AsyncClient().get(path))
    assert response.status_code == status


def test_views_that_read_alone_are_known_as_such():
    simple = SimpleRouter()
    simple.register("actions", guard(read=PUBLIC)(Actions), basename="a")
    assert {status_of(url.callback, "/") for url in simple.urls} == {Status.GUARDED}
