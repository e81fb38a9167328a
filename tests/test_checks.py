"""Each check fires where it should, and is silent on its twin."""

from __future__ import annotations

import pytest
from django.core.management import call_command
from django.core.management.base import SystemCheckError
from django.urls import include, path, re_path
from rest_framework import permissions
from rest_framework.authentication import BaseAuthentication
from rest_framework.decorators import api_view
from rest_framework.response import Response
from rest_framework.settings import api_settings
from rest_framework.views import APIView
from rest_framework.viewsets import ViewSet

from api_guard import PUBLIC, checks, conf, guard
from api_guard.endpoints import Endpoint, Status, endpoints, view_class_of
from api_guard.permissions import Guarded, HasScopes

pytestmark = pytest.mark.urls(__name__)


class Base(APIView):
    def get(self, request):
        return Response("read")

    def post(self, request):
        return Response("written")


@guard(read=PUBLIC, write="notes:write")
class Declared(Base):
    pass


class Undeclared(Base):
    permission_classes = [permissions.AllowAny]


class Scoped(Base):
    permission_classes = [permissions.IsAuthenticated & HasScopes("notes:read")]


class Waived(Base):
    permission_classes = [HasScopes("notes:read") | permissions.AllowAny]


class Negated(Base):
    permission_classes = [~permissions.IsAdminUser & ~HasScopes("notes:read")]


@guard(read="notes:raed")
class Misspelt(Base):
    http_method_names = ["get", "options"]


class ScopedWrong(Base):
    permission_classes = [HasScopes("bogus")]


@guard(read="notes:read", actions={"sell": "notes:write"})
class Silent(ViewSet):
    def list(self, request):
        return Response()

    def create(self, request):
        return Response()

    def sell(self, request):
        return Response()


@guard(read=PUBLIC)
@api_view(["GET"])
def ping(request):
    return Response("pong")


def plain(request):
    raise NotImplementedError


class Tokens(BaseAuthentication):
    def authenticate(self, request):
        return None


class OAuth2Authentication(Tokens):
    """By its name, django-oauth-toolkit's own."""


@guard(read=PUBLIC)
class ByTokens(Base):
    http_method_names = ["get"]
    authentication_classes = [Tokens]


GOOD = [
    path("declared", Declared.as_view()),
    path("scoped", Scoped.as_view()),
    re_path(r"^ping$", ping),
    path("plain", plain),
]
urlpatterns = GOOD


@pytest.fixture
def routed(settings):
    """Route these views besides the good ones."""
    import sys

    def route(*patterns):
        module = type(sys)("tests.routed")
        module.urlpatterns = [path("api/", include([*GOOD, *patterns]))]
        sys.modules["tests.routed"] = module
        settings.ROOT_URLCONF = "tests.routed"

    return route


def hints(messages):
    return [f"{message.id}: {message.msg} {message.hint}" for message in messages]


def test_a_good_project_raises_no_alarm():
    for check in checks.CHECKS:
        assert check() == []
    call_command("check", fail_level="WARNING")


def test_the_checks_are_registered(routed):
    routed(path("undeclared", Undeclared.as_view()))
    with pytest.raises(SystemCheckError, match=r"api_guard\.E002"):
        call_command("check")


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("nonsense", "is not a dict"),
        ({"SCOPE": {}}, "Did you mean 'SCOPES'?"),
        ({"SCOPES": ["notes:read"]}, "must map each scope"),
        ({"SCOPES": {"notes read": "x"}}, "must map each scope"),
        ({"SCOPES": {"openid": "x"}}, "OpenID"),
        ({"SCOPES": {"notes:read": " "}}, "description"),
        ({"EXEMPT": {"x.y": ""}}, "a reason that is not empty"),
        ({"EXEMPT": {1: "x"}}, "dotted path"),
        ({"EVERYONE_GROUP": ""}, "name of a group"),
        ({"UNSCOPED_AUTHENTICATION": "x"}, "list of dotted paths"),
        ({"UNSCOPED_AUTHENTICATION": [1]}, "list of dotted paths"),
        ({"LAST_USED_INTERVAL": True}, "number of seconds"),
        ({"LAST_USED_INTERVAL": -1}, "number of seconds"),
        ({"ON_FAULT": "open"}, "'local', 'deny' or 'allow'"),
        ({"SANITIZER": "none"}, "'nh3' or 'bleach'"),
    ],
)
def test_an_unknown_setting_is_an_error_with_its_mend(settings, value, said):
    settings.API_GUARD = value
    [message] = checks.check_settings()
    assert message.id == "api_guard.E001"
    assert said in f"{message.msg} {message.hint}"


def test_a_wrong_setting_has_its_safe_meaning_at_run_time(settings):
    settings.API_GUARD = {
        "SCOPES": {"a b": "x", "openid": "x", 1: "x", "ok": "y"},
        "EXEMPT": {"x": "", "y": "why"},
        "EVERYONE_GROUP": 5,
        "UNSCOPED_AUTHENTICATION": "rest_framework.authentication.SessionAuthentication",
        "LAST_USED_INTERVAL": "often",
        "ON_FAULT": "open",
        "SANITIZER": "none",
    }
    assert conf.scopes() == {"ok": "y"}
    assert conf.exempt() == {"y": "why"}
    assert conf.everyone_group() is None
    assert conf.unscoped_authentication() == frozenset()
    assert conf.last_used_interval() == conf.LAST_USED_INTERVAL
    assert (conf.on_fault(), conf.sanitizer()) == ("deny", "nh3")
    settings.API_GUARD = None
    assert conf.scopes() == {}
    del settings.API_GUARD
    assert conf.mistakes() == []


@pytest.mark.parametrize("view", [Undeclared, Waived, Negated])
def test_an_unguarded_endpoint_is_named_with_the_line_to_write(routed, view):
    routed(path("open", view.as_view()), path("open2", view.as_view()))
    [message] = checks.check_endpoints()
    assert message.id == "api_guard.E002"
    assert f"tests.test_checks.{view.__name__} is routed at /api/open" in message.msg
    assert "@guard(" in message.hint


@pytest.mark.parametrize("name", ["tests.test_checks.Undeclared", "tests.test_checks"])
def test_an_exempt_view_needs_no_guard_and_gets_no_decision(routed, settings, api, db, name):
    routed(path("open", Undeclared.as_view(permission_classes=[Guarded])))
    assert api.get("/api/open").status_code == 403
    settings.API_GUARD = {**settings.API_GUARD, "EXEMPT": {name: "for the test"}}
    assert checks.check_endpoints() == []
    assert api.get("/api/open").status_code == 200


def test_a_view_with_scopes_among_its_permissions_is_declared(api, alice, give, routed):
    routed(path("waived", Waived.as_view()))
    assert api.get("/api/scoped").status_code == 401
    api.by_session(alice)
    assert api.get("/api/scoped").status_code == 403
    give(alice, "notes:read")
    assert api.get("/api/scoped").status_code == 200
    api.logout()
    assert api.get("/api/waived").json()["code"] == "undeclared_endpoint"


def test_an_undeclared_scope_is_named_with_its_near_miss(routed):
    routed(path("a", Misspelt.as_view()), path("b", ScopedWrong.as_view()))
    misspelt, bogus = checks.check_scopes()
    assert misspelt.id == "api_guard.E003"
    assert "Did you mean 'notes:read'?" in misspelt.msg
    assert '"bogus": ' in bogus.hint


def test_a_routed_operation_without_a_demand_is_named(routed):
    routed(path("s", Silent.as_view({"get": "list", "post": "create", "put": "sell"})))
    [message] = checks.check_silence()
    assert message.id == "api_guard.E004"
    assert "Silent routes create" in message.msg
    assert 'write=... or actions={"create": ...}' in message.hint


def test_a_default_that_is_not_guarded_is_an_error(monkeypatch):
    for wrong in ([permissions.AllowAny], [], [Guarded, permissions.AllowAny]):
        monkeypatch.setattr(api_settings, "DEFAULT_PERMISSION_CLASSES", wrong)
        [message] = checks.check_default_permission()
        assert message.id == "api_guard.E005"
        assert "api_guard.permissions.Guarded" in message.hint


def test_an_authenticator_that_says_no_scopes_is_named(routed, monkeypatch, settings):
    routed(
        path("t", ByTokens.as_view()),
        path("o", Declared.as_view(authentication_classes=[OAuth2Authentication])),
    )
    tokens, toolkit = checks.check_authentication()
    assert tokens.id == "api_guard.E006"
    assert 'UNSCOPED_AUTHENTICATION"] = [..., "tests.test_checks.Tokens"]' in tokens.hint
    assert "Use api_guard.authentication.OAuth2Authentication" in toolkit.hint


def test_another_scopes_backend_is_an_error(settings):
    settings.OAUTH2_PROVIDER = {}
    [message] = checks.check_scopes_backend()
    assert message.id == "api_guard.E007"


def test_bleach_is_a_warning(settings):
    settings.API_GUARD = {**settings.API_GUARD, "SANITIZER": "bleach"}
    [message] = checks.check_sanitizer()
    assert message.id == "api_guard.W008"
    assert conf.sanitizer() == "bleach"


# The walk


def test_every_route_method_and_action_is_an_endpoint(routed):
    routed(
        path("notes", Silent.as_view({"get": "list", "post": "create"})),
        path("open", Undeclared.as_view(http_method_names=["get"])),
    )
    rows = {
        (e.route, e.operation.method, e.operation.action, e.status.value, str(e.demand))
        for e in endpoints()
    }
    assert rows == {
        ("/api/declared", "GET", None, "public", "PUBLIC"),
        ("/api/declared", "HEAD", None, "public", "PUBLIC"),
        ("/api/declared", "OPTIONS", None, "public", "PUBLIC"),
        ("/api/declared", "POST", None, "guarded", "notes:write"),
        ("/api/scoped", "GET", None, "guarded", "None"),
        ("/api/scoped", "HEAD", None, "guarded", "None"),
        ("/api/scoped", "OPTIONS", None, "guarded", "None"),
        ("/api/scoped", "POST", None, "guarded", "None"),
        ("/api/ping$", "GET", None, "public", "PUBLIC"),
        ("/api/ping$", "OPTIONS", None, "public", "PUBLIC"),
        ("/api/notes", "GET", "list", "guarded", "notes:read"),
        ("/api/notes", "HEAD", "list", "guarded", "notes:read"),
        ("/api/notes", "OPTIONS", "metadata", "guarded", "notes:read"),
        ("/api/notes", "POST", "create", "guarded", "None"),
        ("/api/open", "GET", None, "unguarded", "None"),
    }


def test_an_endpoint_is_a_value():
    one, two = (next(iter(endpoints())) for _ in range(2))
    assert isinstance(one, Endpoint)
    assert one == two
    assert one.status is Status.PUBLIC


def test_a_class_is_found_behind_any_decorator():
    import functools

    callback = Declared.as_view()
    hidden = (lambda view: lambda request: view(request))(callback)
    assert view_class_of(hidden) is Declared
    wrapped = functools.partial(functools.wraps(callback)(lambda request: callback(request)))
    assert view_class_of(wrapped) is Declared
    assert view_class_of(plain) is None

    def loop(request):
        return None

    loop.__wrapped__ = loop
    assert view_class_of(loop) is None


def test_a_project_without_urls_has_no_endpoints(settings):
    del settings.ROOT_URLCONF
    assert list(endpoints()) == []
