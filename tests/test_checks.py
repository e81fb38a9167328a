"""Each check fires where it should, and is silent on its twin."""

from __future__ import annotations

import sys
from datetime import timedelta
from types import SimpleNamespace

import pytest
from django.core.management import call_command
from django.core.management.base import SystemCheckError
from django.urls import clear_url_caches, include, path, re_path
from django.views import View
from rest_framework import permissions, serializers
from rest_framework.authentication import BaseAuthentication, SessionAuthentication
from rest_framework.decorators import api_view
from rest_framework.renderers import BrowsableAPIRenderer
from rest_framework.response import Response
from rest_framework.settings import api_settings
from rest_framework.views import APIView
from rest_framework.viewsets import ModelViewSet, ViewSet

from api_guard import ANY_OBJECT, PUBLIC, budget, checks, conf, cost, guard, sliding
from api_guard.access.endpoints import Endpoint, Status, endpoints, view_class_of
from api_guard.checks import deploy
from api_guard.checks.deploy import check_lifetimes, check_proxies, check_transport
from api_guard.core.scopes import ScopeTerms
from api_guard.permissions import Guarded, HasScopes
from tests.models import Note

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
    path("o/", include("api_guard.oauth2.urls")),
]
urlpatterns = GOOD


@pytest.fixture
def routed(settings):
    """Route these views besides the good ones."""

    def route(*patterns):
        module = type(sys)("tests.routed")
        module.urlpatterns = [path("api/", include([*GOOD, *patterns]))]
        sys.modules["tests.routed"] = module
        settings.ROOT_URLCONF = "tests.routed"

    return route


def hints(messages):
    return [f"{message.id}: {message.msg} {message.hint}" for message in messages]


def test_a_good_project_raises_no_alarm(settings):
    settings.DEBUG = True  # as a project begins, with counters in local memory
    for check in checks.CHECKS:
        assert check() == []
    call_command("check", fail_level="WARNING")


def test_well_formed_settings_are_no_mistake(settings):
    settings.API_GUARD = {
        **settings.API_GUARD,
        "PREFIXES": ["/api/"],
        "TRUSTED_PROXIES": ["10.0.0.0/8", "2001:db8::1", "unix"],
        "PROXY_HEADER": "Forwarded",
        "CEILING": {"user": ["9/s", "5000/h"], "address": "500/h"},
        "COUNTER_TIMEOUT": 0.25,
        "FAILED_CREDENTIALS": {"account_at_address": ("5/m", "20/h")},
        "EVERYONE_GROUP": "everyone",
        "CLIENTLESS_TOKENS": "user",
        "LAST_USED_INTERVAL": 0,
        "MAX_GRANT_DAYS": 365,
        "REQUEST_DAYS": 7,
        "REQUEST_RATE": ["5/d", "2/h"],
        "LIMITS": {"bytes": 5000},
    }
    assert checks.check_settings() == []


def test_the_checks_are_registered(routed):
    routed(path("undeclared", Undeclared.as_view()))
    with pytest.raises(SystemCheckError, match=r"api_guard\.E002"):
        call_command("check")


def said(**terms):
    return {"SCOPES": {"notes:read": {"description": "Read notes", **terms}}}


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("nonsense", "is not a dict"),
        ({"SCOPE": {}}, "Did you mean 'SCOPES'?"),
        ({"SCOPES": ["notes:read"]}, "must map each scope"),
        ({"SCOPES": {"notes read": "x"}}, "must map each scope"),
        ({"SCOPES": {"openid": "x"}}, "OpenID"),
        ({"SCOPES": {"notes:read": " "}}, "description"),
        ({"SCOPES": {"notes:read": {"group": "Notes"}}}, "description"),
        (said(sensitiv=True), "'notes:read' has an unknown key 'sensitiv'. Did you mean 's"),
        (said(sensitive="no"), "needs True or False as 'sensitive'"),
        (said(requestable=1), "needs True or False as 'requestable'"),
        (said(max_days=0), "needs a whole number of days as max_days"),
        (said(group="*"), "needs a text other than '*' as its group"),
        (
            {"SCOPES": {"notes:read": "a", "Notes:Read": "b", "other": "c", "notes:READ": "d"}},
            "declares 'notes:read' and 'Notes:Read' and 'notes:READ', which differ only in case",
        ),
        ({"EXEMPT": {"x.y": "", "z": "b"}}, "a reason that is not empty, also x.y"),
        ({"EXEMPT": {1: "x"}}, "dotted path"),
        ({"EVERYONE_GROUP": ""}, "name of a group"),
        ({"UNSCOPED_AUTHENTICATION": "x"}, "list of dotted paths"),
        ({"UNSCOPED_AUTHENTICATION": [1]}, "list of dotted paths"),
        ({"LAST_USED_INTERVAL": True}, "number of seconds"),
        ({"CLIENTLESS_TOKENS": "yes"}, "must be 'user' or 'refuse'"),
        ({"LAST_USED_INTERVAL": -1}, "number of seconds"),
        ({"MAX_GRANT_DAYS": 0}, "whole number of days above 0"),
        ({"REQUEST_DAYS": 366}, "whole number of days from 1 to 365"),
        ({"REQUEST_RATE": "0/d"}, "without a cost or a budget"),
        ({"TRUSTED_PROXIES": ["everything"]}, "list of networks"),
        ({"TRUSTED_PROXIES": "10.0.0.0/8"}, "list of networks"),
        ({"PREFIXES": ["api/"]}, "begin with a slash"),
        ({"PREFIXES": "/api/"}, "begin with a slash"),
        ({"ON_FAULT": "open"}, "'local', 'deny' or 'allow'"),
        ({"CEILING": "5/week"}, "must be a rate"),
        ({"CEILING": {}}, "must be a rate"),
        ({"CEILING": {"users": "5/h"}}, "must be a rate"),
        ({"CEILING": budget("search", "5/h")}, "must be a rate"),
        ({"FAILED_CREDENTIALS": True}, "must be False, or a mapping"),
        ({"FAILED_CREDENTIALS": {"tokens": "5/h"}}, "must be False, or a mapping"),
        ({"FAILED_CREDENTIALS": {"token": cost(2, "5/h")}}, "must be False, or a mapping"),
        ({"PROXY_HEADER": "X-Real-IP"}, "'X-Forwarded-For' or 'Forwarded'"),
        ({"COUNTER_TIMEOUT": 0}, "number of seconds above 0 and at most 10"),
        ({"COUNTER_TIMEOUT": True}, "number of seconds above 0"),
        ({"COUNTER_TIMEOUT": 60}, "number of seconds above 0"),
        ({"SANITIZER": "none"}, "'nh3' or 'bleach'"),
        ({"LIMITS": {"byte": 5}}, "names of limits"),
    ],
)
def test_an_unknown_setting_is_an_error_with_its_mend(settings, value, said):
    settings.API_GUARD = value
    [message] = checks.check_settings()
    assert message.id == "api_guard.E001"
    assert said in f"{message.msg} {message.hint}"


def test_a_scope_that_is_wrongly_said_is_as_hard_to_give_as_can_be(settings):
    terms = {"group": "*", "sensitive": "no", "max_days": "30", "requestable": 1}
    settings.API_GUARD = {**said(**terms)}
    assert conf.scope_terms() == {"notes:read": ScopeTerms("Read notes", "", True, 1, False)}
    terms = {"group": "Notes", "sensitive": False, "max_days": None, "requestable": True}
    settings.API_GUARD = {**said(**terms)}
    assert conf.scope_terms() == {
        "notes:read": ScopeTerms("Read notes", "Notes", False, None, True)
    }
    settings.API_GUARD = {"SCOPES": ["notes:read"]}
    assert conf.scope_terms() == {}


def test_a_wrong_setting_has_its_safe_meaning_at_run_time(settings):
    settings.API_GUARD = {
        "SCOPES": {"a b": "x", "openid": "x", 1: "x", "ok": "y", "Case": "x", "case": "x"},
        "EXEMPT": {"x": "", "y": "why"},
        "EVERYONE_GROUP": 5,
        "UNSCOPED_AUTHENTICATION": "rest_framework.authentication.SessionAuthentication",
        "LAST_USED_INTERVAL": "often",
        "ON_FAULT": "open",
        "CEILING": "often",
        "PROXY_HEADER": "X-Real-IP",
        "FAILED_CREDENTIALS": {"token": "often", "account": "5/h"},
        "COUNTER_TIMEOUT": "long",
        "SANITIZER": "none",
    }
    assert conf.scopes() == {"ok": "y"}
    assert conf.exempt() == {"y": "why"}
    assert conf.everyone_group() is None
    assert conf.unscoped_authentication() == frozenset()
    assert conf.last_used_interval() == 300
    assert (conf.on_fault(), conf.sanitizer()) == ("deny", "nh3")
    assert [rate.name for rate in conf.ceiling("user")] == ["api 1/s"]
    limits = conf.failed_credentials()
    assert {kind: str(rate) for kind, [rate] in limits.items()} == {
        "token": "30/10m",
        "account_at_address": "10/10m",
        "account": "5/h",
        "address": "100/h",
    }
    assert (conf.proxy_header(), conf.counter_timeout()) == ("X-Forwarded-For", 0.5)
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


def test_plain_views_of_a_module_are_one_message_beside_its_others(routed, settings):
    settings.API_GUARD = {**settings.API_GUARD, "PREFIXES": ["/api/new/"]}
    plain = [type(name, (View,), {"__module__": __name__}) for name in ("A", "B")]
    routed(
        *(path(f"new/{each.__name__}", each.as_view()) for each in plain),
        path("open", Undeclared.as_view()),
    )
    message, other = checks.check_endpoints()
    assert message.msg == f"2 views in {__name__} have no guard: A at /api/new/A, B at /api/new/B."
    assert f'"EXEMPT": {{"{__name__}.A": "the reason"}}' in message.hint
    assert other.msg == f"{__name__}.Undeclared is routed at /api/open and has no guard."


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


def test_a_routed_operation_without_a_requirement_is_named(routed):
    routed(path("s", Silent.as_view({"get": "list", "post": "create", "put": "sell"})))
    [message] = checks.check_silence()
    assert message.id == "api_guard.E004"
    assert "Silent routes create" in message.msg
    assert 'write=... or actions={"create": ...}' in message.hint


class Own(Guarded):
    pass


def test_the_mend_keeps_the_permissions_and_authenticators_of_the_project(monkeypatch):
    mine = [permissions.IsAuthenticated, permissions.AllowAny]
    monkeypatch.setattr(api_settings, "DEFAULT_PERMISSION_CLASSES", mine)
    [message] = checks.check_default_permission()
    kept = '["api_guard.permissions.Guarded", "rest_framework.permissions.IsAuthenticated"]'
    assert kept in message.hint


def test_a_default_that_is_not_guarded_is_an_error(monkeypatch):
    for right in ([Guarded, permissions.AllowAny], [Guarded & permissions.IsAdminUser], [Own]):
        monkeypatch.setattr(api_settings, "DEFAULT_PERMISSION_CLASSES", right)
        assert checks.check_default_permission() == []
    for wrong in ([permissions.AllowAny], [], [permissions.IsAdminUser & permissions.AllowAny]):
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
    assert '"rest_framework.authentication.TokenAuthentication", "tests.test_checks.' in tokens.hint
    assert "Use api_guard.authentication.OAuth2Authentication" in toolkit.hint


def test_another_scopes_backend_is_an_error(settings):
    settings.OAUTH2_PROVIDER = {}
    backend, validator = checks.check_toolkit()
    assert (backend.id, validator.id) == ("api_guard.E007", "api_guard.E033")


def test_an_api_without_an_authorization_server_is_a_warning(routed):
    routed()
    sys.modules["tests.routed"].urlpatterns = []
    [message] = checks.check_toolkit()
    assert (message.id, "api_guard.oauth2.urls" in message.hint) == ("api_guard.W026", True)


def test_settings_of_the_toolkit_may_be_missing(monkeypatch):
    from django.conf import settings

    # Past the signal by which the toolkit reads its settings anew, and does not survive this.
    monkeypatch.setattr(settings, "OAUTH2_PROVIDER", None)
    found = [message.id for message in checks.check_toolkit()]
    assert found == ["api_guard.E007", "api_guard.E033"]


def test_a_project_without_the_framework_s_app_is_told(monkeypatch):
    from django.apps import apps

    monkeypatch.setattr(apps, "is_installed", lambda name: name != "rest_framework")
    assert [message.id for message in checks.check_apps()] == ["api_guard.E027"]


def test_urls_by_which_anybody_registers_a_client_are_a_warning(routed):
    routed()
    sys.modules["tests.routed"].urlpatterns = [path("o/", include("oauth2_provider.urls"))]
    [message] = checks.check_toolkit()
    assert (message.id, "api_guard.oauth2.urls" in message.hint) == ("api_guard.W025", True)


def test_bleach_is_a_warning(settings):
    settings.API_GUARD = {**settings.API_GUARD, "SANITIZER": "bleach"}
    [message] = checks.check_sanitizer()
    assert message.id == "api_guard.W008"
    assert conf.sanitizer() == "bleach"


@pytest.mark.parametrize("listed", [[], ["a.b.C", "api_guard.middleware.GuardMiddleware"]])
def test_a_middleware_that_is_missing_or_not_first_is_an_error(settings, listed):
    settings.MIDDLEWARE = listed
    [message] = checks.check_middleware()
    assert message.id == "api_guard.E009"


class Scopeless(Base):
    permission_classes = [HasScopes("notes:read")]

    def get_permissions(self):
        return []


def test_what_may_never_be_asked_for_is_named(routed):
    broken = guard(read=PUBLIC, write=PUBLIC)(Base)
    view = broken.as_view()
    broken.initial = lambda self, request: None
    routed(path("a", Scopeless.as_view()), path("b", view))
    scopeless, replaced = checks.check_unknown()
    assert {scopeless.id, replaced.id} == {"api_guard.E010"}
    assert "permission_classes has HasScopes" in scopeless.msg
    assert "replaced" in replaced.msg


def test_an_exemption_for_nothing_is_a_warning(routed, settings):
    routed(path("open", Undeclared.as_view()))
    exempt = {f"{__name__}.Undeclared": "tested", "nowhere.At.All": "gone", f"{__name__}.x": "?"}
    settings.API_GUARD = {**settings.API_GUARD, "EXEMPT": exempt}
    assert ["nowhere.At.All" in checks.check_exemptions()[0].msg] == [True]
    assert {message.id for message in checks.check_exemptions()} == {"api_guard.W024"}


@guard(read=PUBLIC, write=PUBLIC)
class Dropping(Base):
    def dispatch(self, request, *args, **kwargs):
        return Response()

    def check_permissions(self, request):
        pass

    def finalize_response(self, request, response, *args, **kwargs):
        def inner():
            return super(Dropping, self).finalize_response(request, response, *args, **kwargs)

        return inner()


@guard(read=PUBLIC, write=PUBLIC)
class Keeping(Base):
    def dispatch(self, request, *args, **kwargs):
        return super().dispatch(request, *args, **kwargs)

    def initial(self, request, *args, **kwargs):
        super().initial(request, *args, **kwargs)

    check_permissions = property(lambda self: APIView.check_permissions)


def test_an_override_that_drops_what_it_overrides_is_named(routed):
    routed(path("d", Dropping.as_view()))
    dispatch, permissions_ = checks.check_overrides()
    assert (dispatch.id, permissions_.id) == ("api_guard.E011", "api_guard.W012")
    assert "tests.test_checks.Dropping.dispatch()" in dispatch.msg
    assert "super().check_permissions(...)" in permissions_.hint


def test_an_override_that_calls_super_raises_no_alarm(routed):
    routed(path("k", Keeping.as_view()))
    assert checks.check_overrides() == []


class Mistyped(permissions.BasePermission):
    def has_permissions(self, request, view):
        return False


class Asynchronous(permissions.BasePermission):
    async def has_permission(self, request, view):
        return False


class ObjectOnly(permissions.BasePermission):
    def has_object_permission(self, request, view, obj):
        return False


class Empty(permissions.BasePermission):
    """Admits everybody, and says so by saying nothing."""


@guard(read=PUBLIC, write=PUBLIC)
class Judged(Base):
    permission_classes = [Mistyped, Asynchronous & Empty, permissions.IsAdminUser | ObjectOnly]


@guard(read=PUBLIC, write=PUBLIC)
class Fine(Base):
    permission_classes = [
        permissions.IsAdminUser | permissions.IsAuthenticated,
        ~permissions.IsAdminUser | ~ObjectOnly,
        Empty,
    ]


def test_permissions_that_do_not_ask_what_they_seem_to_are_named(routed):
    routed(path("j", Judged.as_view()), path("again", Judged.as_view()), path("f", Fine.as_view()))
    mistyped, asynchronous, loose = checks.check_permission_classes()
    assert [mistyped.id, asynchronous.id, loose.id] == [
        "api_guard.E014",
        "api_guard.E013",
        "api_guard.W015",
    ]
    assert "Did you mean 'has_permission'?" in mistyped.msg
    assert "async def" in asynchronous.hint
    assert "ObjectOnly" in loose.msg


class NoteSerializer(serializers.ModelSerializer):
    class Meta:
        model = Note
        fields = ["id", "title"]


class Notes(ModelViewSet):
    queryset = Note.objects.all()
    serializer_class = NoteSerializer


DETAIL = {"get": "retrieve", "put": "update"}


def test_an_owner_that_leads_nowhere_is_named(routed):
    wrong = guard(read=PUBLIC, write=PUBLIC, owner="auther")(Notes)
    right = guard(read=PUBLIC, write=PUBLIC, owner="notebook__owner")(Notes)
    routed(path("w/<pk>", wrong.as_view(DETAIL)), path("r/<pk>", right.as_view(DETAIL)))
    [message] = checks.check_owners()
    assert message.id == "api_guard.E016"
    assert "Did you mean 'author'?" in message.msg


def test_a_route_to_one_object_without_an_object_rule_is_a_warning(routed):
    silent = guard(read=PUBLIC, write=PUBLIC)(Notes)
    said = guard(read=PUBLIC, write=PUBLIC, objects=ANY_OBJECT)(Notes)
    routed(
        path("said/<int:pk>", said.as_view(DETAIL)),
        path("list", silent.as_view({"get": "list"})),
    )
    assert checks.check_detail_routes() == []
    routed(re_path(r"^silent/(?P<pk>\d+)$", silent.as_view(DETAIL)))
    [message] = checks.check_detail_routes()
    assert message.id == "api_guard.W018"
    assert "objects=ANY_OBJECT" in message.hint


@guard(read="notes:read", owner="author")
class Subjectless(APIView):
    def get(self, request):
        return Response()


def test_an_object_rule_for_no_known_model_is_a_warning(routed):
    said = guard(read=PUBLIC, objects=ANY_OBJECT)(Notes)
    routed(path("notes", said.as_view({"get": "list"})))
    assert checks.check_subjects() == []
    routed(path("subjectless", Subjectless.as_view()))
    [message] = checks.check_subjects()
    assert (message.id, "queryset = " in message.hint) == ("api_guard.W029", True)


def test_rates_that_were_switched_off_are_a_warning(settings):
    settings.RATELIMIT_ENABLE = False
    assert [message.id for message in checks.check_counters()] == ["api_guard.W020"]


@pytest.mark.parametrize(
    ("backend", "debug", "ids"),
    [
        ("django.core.cache.backends.dummy.DummyCache", True, ["api_guard.E019"]),
        ("django.core.cache.backends.db.DatabaseCache", True, ["api_guard.E019"]),
        ("django.core.cache.backends.filebased.FileBasedCache", True, ["api_guard.E019"]),
        ("django.core.cache.backends.locmem.LocMemCache", True, []),
        ("django.core.cache.backends.locmem.LocMemCache", False, ["api_guard.W020"]),
        ("django.core.cache.backends.redis.RedisCache", False, []),
        ("tests.caches.MeasuredLocal", False, ["api_guard.W020"]),
        ("tests.caches.MeasuredFiles", True, ["api_guard.E019"]),
        ("tests.caches.PlainCache", False, []),
        ("no.such.Cache", False, []),
        ("nothing", False, ["api_guard.E019"]),
    ],
)
def test_rates_are_counted_on_a_cache_that_can(monkeypatch, backend, debug, ids):
    from django.conf import settings as live

    monkeypatch.setattr(live, "CACHES", {"rates": {"BACKEND": backend}})
    monkeypatch.setattr(live, "DEBUG", debug)
    monkeypatch.setattr(live, "RATELIMIT_USE_CACHE", "rates", raising=False)
    # Failed credentials are counted there, whatever the views say of rates.
    assert [message.id for message in checks.check_counters()] == ids


class Searches(APIView):
    def get(self, request):
        return Response()


SEARCH, OTHER = budget("search", "30/m", "500/d"), budget("search", "60/m", "500/d")
Costly = guard(read=PUBLIC, throttle=cost(5, SEARCH))(Searches)
Same = guard(read=PUBLIC, throttle=SEARCH)(Searches)
Different = guard(read=PUBLIC, throttle={"read": OTHER})(Searches)
Sliding = guard(read=PUBLIC, throttle=sliding(SEARCH))(Searches)


def test_a_budget_has_one_limit_wherever_it_is_named(routed):
    routed(path("same", Same.as_view()), path("costly", Costly.as_view()))
    assert checks.check_budgets() == []
    routed(
        path("same", Same.as_view()),
        path("other", Different.as_view()),
        path("sliding", Sliding.as_view()),
    )
    other, slides, _ = checks.check_budgets()
    assert other.id == "api_guard.E050"
    assert "'search' is 30/m in tests.test_checks.Searches[guarded] and 60/m in" in other.msg
    assert 'shared = budget("search", "30/m")' in other.hint
    assert "30/m sliding" in slides.msg


def test_a_sliding_rate_needs_a_cache_that_runs_scripts(routed, monkeypatch):
    from django.conf import settings as live

    routed(path("sliding", Sliding.as_view()), path("again", Sliding.as_view()))
    found = {}
    for backend in ("locmem.LocMemCache", "redis.RedisCache", "memcached.PyMemcacheCache"):
        caches = {"default": {"BACKEND": f"django.core.cache.backends.{backend}"}}
        monkeypatch.setattr(live, "CACHES", caches)
        found[backend] = checks.check_sliding()
    monkeypatch.setitem(caches, "default", {"BACKEND": "tests.caches.MeasuredRedis"})
    monkeypatch.setattr(live, "CACHES", caches)
    assert checks.check_sliding() == []
    caches["default"]["BACKEND"] = "django.core.cache.backends.memcached.PyMemcacheCache"
    [message] = found.pop("memcached.PyMemcacheCache")
    assert (message.id, "fixed windows" in message.msg) == ("api_guard.E051", True)
    assert list(found.values()) == [[], []]
    monkeypatch.setattr(live, "API_GUARD", {"CEILING": sliding("5/h")})
    routed()
    monkeypatch.setattr(live, "CACHES", caches)
    assert {message.msg.split(" has ")[0] for message in checks.check_sliding()} == {
        f'API_GUARD["CEILING"] for a {kind}' for kind in ("user", "client", "address")
    }


@pytest.mark.parametrize(
    ("backend", "options", "ids"),
    [
        ("memcached.PyMemcacheCache", None, ["api_guard.E052"]),
        ("memcached.PyMemcacheCache", {"no_delay": True}, ["api_guard.E052"]),
        ("memcached.PyMemcacheCache", {"timeout": 1}, []),
        ("memcached.PyLibMCCache", {"behaviors": {"cas": True}}, ["api_guard.E052"]),
        ("memcached.PyLibMCCache", {"behaviors": {"receive_timeout": 500_000}}, []),
        ("redis.RedisCache", {}, []),
    ],
)
def test_a_cache_that_waits_for_ever_is_an_error(monkeypatch, backend, options, ids):
    from django.conf import settings as live

    cache = {"BACKEND": f"django.core.cache.backends.{backend}", "OPTIONS": options}
    monkeypatch.setattr(live, "CACHES", {"default": cache})
    assert [message.id for message in checks.check_timeouts()] == ids


MODELS = "django.contrib.auth.backends.ModelBackend"
LOGIN_LIMIT = "api_guard.backends.LoginLimit"


@pytest.mark.parametrize(
    ("backends", "problem"),
    [
        ([LOGIN_LIMIT, MODELS], None),
        (["axes.backends.AxesStandaloneBackend", LOGIN_LIMIT, MODELS], None),
        ([MODELS], "is missing"),
        ([MODELS, LOGIN_LIMIT], "comes after another backend"),
    ],
)
def test_a_login_without_a_limit_is_a_warning(settings, backends, problem):
    settings.AUTHENTICATION_BACKENDS = backends
    found = checks.check_login_limit()
    assert [message.id for message in found] == (["api_guard.W053"] if problem else [])
    assert all(problem in message.msg for message in found)
    hint = f'AUTHENTICATION_BACKENDS = ["{LOGIN_LIMIT}", "{MODELS}"]'
    assert all(message.hint == hint for message in found)


def test_failed_credentials_without_a_limit_are_a_warning(settings):
    assert checks.check_failed_credentials() == []
    settings.API_GUARD = {**settings.API_GUARD, "FAILED_CREDENTIALS": False}
    assert checks.check_settings() == []
    assert [message.id for message in checks.check_failed_credentials()] == ["api_guard.W054"]


def dropping(exc, context):
    return Response({"error": str(exc)}, status=exc.status_code)


def raising(exc, context):
    raise KeyError(context["request"].user)


def keeping(exc, context):
    from rest_framework.views import exception_handler

    return exception_handler(exc, context)


def test_an_exception_handler_that_drops_the_headers_is_an_error(monkeypatch):
    for handler, kept in [(dropping, False), (raising, False), (keeping, True)]:
        monkeypatch.setattr(api_settings, "EXCEPTION_HANDLER", handler)
        assert [m.id for m in checks.check_exception_handler()] == (
            [] if kept else ["api_guard.E021"]
        )


def test_the_browsable_api_in_production_is_a_warning(monkeypatch, settings):
    monkeypatch.setattr(api_settings, "DEFAULT_RENDERER_CLASSES", [BrowsableAPIRenderer])
    [message] = checks.check_renderers()
    assert message.id == "api_guard.W022"
    settings.DEBUG = True
    assert checks.check_renderers() == []


def test_bodies_without_bounds_and_json_that_is_none_are_a_warning(monkeypatch, settings):
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = None
    monkeypatch.setattr(api_settings, "STRICT_JSON", False)
    assert [message.id for message in checks.check_parsers()] == ["api_guard.W028"] * 2


def test_an_api_that_reads_no_tokens_is_named(monkeypatch):
    monkeypatch.setattr(api_settings, "DEFAULT_AUTHENTICATION_CLASSES", [SessionAuthentication])
    [message] = checks.check_authentication()
    assert message.id == "api_guard.E023"
    assert "api_guard.authentication.OAuth2Authentication" in message.hint


def test_the_line_for_authenticators_keeps_all_but_the_toolkits_own(monkeypatch, settings):
    listed = [OAuth2Authentication, Tokens, SessionAuthentication]
    monkeypatch.setattr(api_settings, "DEFAULT_AUTHENTICATION_CLASSES", listed)
    *forbidden, message = checks.check_authentication()
    assert [each.id for each in forbidden] == ["api_guard.E006"] * 2
    assert (
        '"DEFAULT_AUTHENTICATION_CLASSES": ["api_guard.authentication.OAuth2Authentication", '
        '"tests.test_checks.Tokens", "rest_framework.authentication.SessionAuthentication"], ...'
        in message.hint
    )


def test_what_makes_a_plain_user_of_a_token_is_an_error(settings):
    settings.MIDDLEWARE = ["oauth2_provider.middleware.OAuth2TokenMiddleware"]
    settings.AUTHENTICATION_BACKENDS = ["oauth2_provider.backends.OAuth2Backend"]
    assert [m.id for m in checks.check_plain_users()] == ["api_guard.E017"] * 2


def test_deployment_without_tls_is_an_error(settings):
    assert any("security.W001" in message.msg for message in check_transport())
    settings.MIDDLEWARE = ["django.middleware.security.SecurityMiddleware", *settings.MIDDLEWARE]
    before = check_transport()
    assert {message.id for message in before} == {"api_guard.E030"}
    said = " ".join(message.msg for message in before)
    assert "security.W008" in said
    assert "oauth2_provider.W006" in said
    settings.SECURE_SSL_REDIRECT = settings.SESSION_COOKIE_SECURE = True
    settings.CSRF_COOKIE_SECURE = True
    settings.SECURE_HSTS_SECONDS = 31536000
    gates = (
        "IMPLICIT_GRANT PASSWORD_GRANT PKCE_METHOD ACCESS_TOKEN_TRANSPORT AUTHZ_RESPONSE_ISS "
        "TOKEN_STORAGE REFRESH_TOKEN REDIRECT_URI_SCHEME REDIRECT_URI_MATCHING PKCE_REQUIRED"
    )
    settings.OAUTH2_PROVIDER = {
        **settings.OAUTH2_PROVIDER,
        **{f"COMPLIANT_BCP_RFC9700_{gate}": True for gate in gates.split()},
        "REFRESH_TOKEN_REUSE_PROTECTION": True,
        # Native and command line clients listen on loopback interfaces (RFC 8252 §7.3).
        "ALLOWED_REDIRECT_URI_SCHEMES": ["http", "https"],
        # A retry of a refresh is answered, however tokens are stored.
        "REFRESH_TOKEN_GRACE_PERIOD_SECONDS": 10,
    }
    assert check_transport() == []
    settings.SECURE_PROXY_SSL_HEADER = ("X-Forwarded-Proto", "https")
    assert [message.id for message in check_transport()] == ["api_guard.E031"]
    settings.SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    assert check_transport() == []


@pytest.mark.parametrize(
    ("is_routed", "is_said"), [(False, False), (True, True)], ids=["no server", "a server"]
)
def test_a_project_without_access_tokens_is_not_told_of_those_of_the_toolkit(
    settings, monkeypatch, is_routed, is_said
):
    settings.API_GUARD = {**settings.API_GUARD, "OAUTH2": False}
    monkeypatch.setattr(deploy, "has_tokens", lambda: is_routed)
    said = " ".join(message.msg for message in check_transport())
    assert "security.W001" in said
    assert ("oauth2_provider." in said) is is_said


@pytest.mark.parametrize(
    ("access", "refresh", "found"),
    [
        (3600, 14 * 24 * 3600, []),
        (60, timedelta(days=14), []),
        (36_000, 3600, ["api_guard.W041"]),
        (3600.5, 3600, ["api_guard.W041"]),
        (3600, None, ["api_guard.E040"]),
        (3600, 0, ["api_guard.E040"]),
        (3601, timedelta(0), ["api_guard.E040", "api_guard.W041"]),
    ],
)
def test_tokens_end_some_day(settings, access, refresh, found):
    settings.OAUTH2_PROVIDER = {
        **settings.OAUTH2_PROVIDER,
        "ACCESS_TOKEN_EXPIRE_SECONDS": access,
        "REFRESH_TOKEN_EXPIRE_SECONDS": refresh,
    }
    assert [message.id for message in check_lifetimes()] == found


def test_where_no_token_is_issued_none_has_to_end(settings, routed):
    routed()
    sys.modules["tests.routed"].urlpatterns = []
    clear_url_caches()
    settings.OAUTH2_PROVIDER = {
        **settings.OAUTH2_PROVIDER,
        "REFRESH_TOKEN_EXPIRE_SECONDS": None,
    }
    assert check_lifetimes() == []


def test_a_plain_view_below_the_prefixes_is_named_and_troubles_no_other_check(settings):
    settings.DEBUG = True
    settings.API_GUARD = {**settings.API_GUARD, "PREFIXES": ["/plain"]}
    found = [message for check in checks.CHECKS for message in check()]
    assert [message.id for message in found] == ["api_guard.E002"]
    assert "tests.test_checks.plain is routed at /plain" in found[0].msg


def test_a_deployment_says_whether_a_proxy_stands_before_it(settings):
    [message] = check_proxies()
    assert message.id == "api_guard.W032"
    settings.API_GUARD = {**settings.API_GUARD, "TRUSTED_PROXIES": []}
    assert check_proxies() == []


# The walk


def test_every_route_method_and_action_is_an_endpoint(routed):
    routed(
        path("notes", Silent.as_view({"get": "list", "post": "create"})),
        path("open", Undeclared.as_view(http_method_names=["get"])),
    )
    rows = {
        (e.route, e.operation.method, e.operation.action, e.status.value, str(e.requirement))
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


# Timeouts

POSTGRESQL = "django.db.backends.postgresql"


@pytest.mark.parametrize(
    ("database", "is_bounded"),
    [
        ({"ENGINE": POSTGRESQL, "HOST": "db.example"}, False),
        ({"ENGINE": POSTGRESQL, "HOST": "db.example", "OPTIONS": {"pool": True}}, False),
        ({"ENGINE": POSTGRESQL, "HOST": "db.example", "OPTIONS": {"connect_timeout": 0}}, False),
        ({"ENGINE": POSTGRESQL, "HOST": "db.example", "OPTIONS": {"connect_timeout": 3}}, True),
        ({"ENGINE": POSTGRESQL, "OPTIONS": {"host": "db.example"}}, False),
        ({"ENGINE": POSTGRESQL, "OPTIONS": {"hostaddr": "10.0.0.1"}}, False),
        ({"ENGINE": POSTGRESQL, "OPTIONS": {"service": "api"}}, True),
        ({"ENGINE": POSTGRESQL, "HOST": "/run/postgresql"}, True),
        ({"ENGINE": POSTGRESQL}, True),
        ({"ENGINE": "django.contrib.gis.db.backends.postgis", "HOST": "10.0.0.1"}, False),
        ({"ENGINE": "django.db.backends.mysql", "HOST": "db.example"}, False),
        (
            {
                "ENGINE": "django.db.backends.mysql",
                "HOST": "db.example",
                "OPTIONS": {"connect_timeout": 3},
            },
            True,
        ),
        ({"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}, True),
        ({}, True),
    ],
)
def test_a_database_on_the_network_without_a_connect_timeout_is_a_warning(
    monkeypatch, database, is_bounded
):
    for name in ("PGCONNECT_TIMEOUT", "PGHOST", "PGHOSTADDR"):
        monkeypatch.delenv(name, raising=False)
    project = SimpleNamespace(DATABASES={"default": {}, "other": database})
    monkeypatch.setattr("api_guard.checks.timeouts.settings", project)
    found = [(message.id, "'other'" in message.msg) for message in checks.check_databases()]
    assert found == ([] if is_bounded else [("api_guard.W080", True)])
    monkeypatch.setenv("PGCONNECT_TIMEOUT", "3")
    is_mysql = "mysql" in database.get("ENGINE", "")
    assert checks.check_databases() == [] or (is_mysql and not is_bounded)


@pytest.mark.parametrize("engine", [POSTGRESQL, "django.db.backends.mysql"])
@pytest.mark.parametrize(
    ("name", "host", "is_said"),
    [("PGHOST", "db.example", True), ("PGHOSTADDR", "10.0.0.1", True), ("PGHOST", "/run", False)],
)
def test_the_environment_may_name_the_host_of_postgresql(monkeypatch, engine, name, host, is_said):
    for each in ("PGCONNECT_TIMEOUT", "PGHOST", "PGHOSTADDR"):
        monkeypatch.delenv(each, raising=False)
    monkeypatch.setenv(name, host)
    project = SimpleNamespace(DATABASES={"default": {"ENGINE": engine}})
    monkeypatch.setattr("api_guard.checks.timeouts.settings", project)
    found = [message.id for message in checks.check_databases()]
    assert found == (["api_guard.W080"] if is_said and engine == POSTGRESQL else [])


# The authorization server


def test_the_toolkit_s_own_urls_are_a_warning(routed):
    from oauth2_provider import urls as toolkit

    routed()
    urls = sys.modules["tests.routed"].urlpatterns = []
    urls.append(path("o/", include((toolkit.base_urlpatterns, "oauth2_provider"))))
    assert [message.id for message in checks.check_toolkit()] == ["api_guard.W039"]
    urls[0] = path("o/", include(toolkit))
    clear_url_caches()
    assert [message.id for message in checks.check_toolkit()] == ["api_guard.W025"]


@pytest.mark.parametrize(("version", "is_said"), [("3.3.1", False), ("4.0.1", True)])
@pytest.mark.parametrize("is_whole", [True, False])
def test_the_toolkit_s_own_urls_say_what_fails_with_an_oauthlib(
    routed, monkeypatch, version, is_said, is_whole
):
    from oauth2_provider import urls as toolkit

    monkeypatch.setattr("oauthlib.__version__", version)
    routed()
    own = toolkit if is_whole else (toolkit.base_urlpatterns, "oauth2_provider")
    sys.modules["tests.routed"].urlpatterns = [path("o/", include(own))]
    clear_url_caches()
    [message] = checks.check_toolkit()
    assert ("its device endpoint answers 500" in message.msg) is is_said


@pytest.mark.parametrize("name", ["nowhere.Validator", "oauth2_provider.models.Application", None])
def test_what_is_no_guarded_validator_is_an_error(settings, name):
    settings.OAUTH2_PROVIDER = {**settings.OAUTH2_PROVIDER, "OAUTH2_VALIDATOR_CLASS": name}
    assert [message.id for message in checks.check_toolkit()] == ["api_guard.E033"]


@pytest.mark.parametrize(
    "value",
    [
        "https://auth.example/",
        {},
        {"URL": "auth.example", "CLIENT_ID": "c", "CLIENT_SECRET": "s", "ISSUER": "i"},
        {"URL": "https://a.example", "CLIENT_ID": "c", "CLIENT_SECRET": "", "ISSUER": "i"},
        {"URL": "https://a", "CLIENT_ID": "c", "CLIENT_SECRET": "s", "ISSUER": "i", "TIMEOUT": 0},
        {"URL": "https://a", "CLIENT_ID": "c", "CLIENT_SECRET": "s", "ISSUER": "i", "SECRET": "s"},
    ],
)
def test_introspection_that_is_not_whole_is_an_error_and_means_none(settings, value):
    settings.API_GUARD = {**settings.API_GUARD, "INTROSPECTION": value}
    assert "INTROSPECTION" in [mistake.name for mistake in conf.mistakes()]
    assert conf.introspection() is None


def test_an_exemption_without_a_reason_is_one_error(routed, settings):
    view = f"{__name__}.Undeclared"
    settings.API_GUARD = {**settings.API_GUARD, "EXEMPT": {view: " "}}
    routed(path("undeclared", Undeclared.as_view()))
    [unexplained] = checks.check_settings()
    assert view in unexplained.msg + (unexplained.hint or "")
    assert checks.check_endpoints() == []
