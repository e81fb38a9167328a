"""An override is named where it drops what it overrides, and left alone where it leads on."""

from __future__ import annotations

import functools
import logging
import sys

import adrf.views
import pytest
import wrapt
from django.contrib.auth.decorators import login_not_required
from django.contrib.auth.mixins import LoginRequiredMixin
from django.db import transaction
from django.urls import path
from django.utils.decorators import decorator_from_middleware, method_decorator
from django.views.decorators import cache, clickjacking, csrf, debug, gzip, http, vary
from rest_framework import exceptions, permissions
from rest_framework.response import Response
from rest_framework.views import APIView, set_rollback

from api_guard import PUBLIC, checks, guard
from api_guard.permissions import HasScopes

logger = logging.getLogger(__name__)
audit = logging.getLogger("audit")
public = guard(read=PUBLIC, write=PUBLIC)


class Base(APIView):
    def get(self, request):
        return Response("read")


@pytest.fixture
def judged(settings):
    """Return the ids of what `check` says of the overrides of a view."""

    def judged(view, decorated=public):
        module = type(sys)("tests.judged")
        module.urlpatterns = [path("view", decorated(view).as_view())]
        sys.modules["tests.judged"] = module
        settings.ROOT_URLCONF = "tests.judged"
        return [message.id for message in checks.check_overrides()]

    return judged


# What stands around a hook


def with_wraps(function):
    @functools.wraps(function)
    def inner(self, *args, **kwargs):
        return function(self, *args, **kwargs)

    return inner


def without_wraps(function):
    def inner(*args, **kwargs):
        return function(*args, **kwargs)

    return inner


def by_default(function):
    def inner(self, *args, _inner=function, **kwargs):
        return _inner(self, *args, **kwargs)

    return inner


def by_keyword(function):
    def inner(self, request, *, _inner=function):
        return _inner(self, request)

    return inner


def by_a_container(function):
    steps = {"before": [], "then": (function,)}

    def inner(self, *args, **kwargs):
        return steps["then"][0](self, *args, **kwargs)

    return inner


registry = {}


def by_a_registry(function):
    key = len(registry)
    registry[key] = function

    def inner(*args, **kwargs):
        return registry[key](*args, **kwargs)

    return inner


def by_its_own_attribute(function):
    def inner(self, *args, **kwargs):
        return inner.__wrapped__(self, *args, **kwargs)

    return functools.wraps(function)(inner)


class Calling:
    """A decorator as a class: the function is an attribute of it."""

    def __init__(self, function):
        self.function = function
        self.__annotations__ = {}

    def __get__(self, view, owner):
        return self if view is None else functools.partial(self.function, view)


@wrapt.decorator
def by_wrapt(wrapped, instance, args, kwargs):
    return wrapped(*args, **kwargs)


def by_a_partial_method(function):
    return functools.partialmethod(function)


def by_a_bound_method(function):
    runner = Calling(function).__get__

    def inner(self, *args, **kwargs):
        return runner(self, type(self))(*args, **kwargs)

    return inner


class Passing:
    """A middleware that does nothing."""

    def __init__(self, get_response):
        self.get_response = get_response


OF_DJANGO = [
    cache.never_cache,
    cache.cache_control(private=True),
    cache.cache_page(60),
    clickjacking.xframe_options_deny,
    clickjacking.xframe_options_exempt,
    csrf.csrf_exempt,
    csrf.csrf_protect,
    csrf.ensure_csrf_cookie,
    debug.sensitive_post_parameters("password"),
    debug.sensitive_variables(),
    gzip.gzip_page,
    http.condition(etag_func=lambda request, *args, **kwargs: None),
    http.require_safe,
    http.require_http_methods(["GET"]),
    login_not_required,
    transaction.atomic,
    transaction.non_atomic_requests,
    vary.vary_on_cookie,
    vary.vary_on_headers("Accept"),
    decorator_from_middleware(Passing),
    [cache.never_cache, csrf.csrf_exempt],
]
PLAIN = [
    with_wraps,
    without_wraps,
    by_default,
    by_keyword,
    by_a_container,
    by_its_own_attribute,
    by_a_partial_method,
    by_a_bound_method,
    by_wrapt,
    Calling,
]
HOOKS = ["dispatch", "initial", "check_permissions", "finalize_response"]


def name_of(decorator):
    return getattr(decorator, "__name__", type(decorator).__name__)


@pytest.mark.parametrize("hook", HOOKS)
@pytest.mark.parametrize("decorator", OF_DJANGO, ids=name_of)
def test_a_decorator_around_an_inherited_hook_raises_no_alarm(judged, decorator, hook):
    @method_decorator(decorator, name=hook)
    class View(Base):
        pass

    assert judged(View) == []


@pytest.mark.parametrize("hook", HOOKS)
@pytest.mark.parametrize("decorator", [*PLAIN, by_a_registry], ids=name_of)
def test_any_decorator_that_leads_on_raises_no_alarm(judged, decorator, hook):
    class Inherited(Base):
        vars()[hook] = decorator(getattr(APIView, hook))

    class Loose:
        def dispatch(self, request, *args, **kwargs):
            return super().dispatch(request, *args, **kwargs)

    class Mixin(Loose):
        dispatch = decorator(Loose.dispatch)

    class WithMixin(Mixin, Base):
        pass

    assert judged(Inherited) == []
    assert judged(WithMixin) == []


@pytest.mark.parametrize("decorator", [*OF_DJANGO, *PLAIN], ids=name_of)
def test_a_decorator_around_what_drops_the_hook_hides_nothing(judged, decorator):
    each = decorator if decorator in PLAIN else method_decorator(decorator)

    class View(Base):
        @each
        def dispatch(self, request, *args, **kwargs):
            return Response("dropped")

    class Below(View):
        def dispatch(self, request, *args, **kwargs):
            return super().dispatch(request, *args, **kwargs)

    class Mixin:
        dispatch = View.__dict__["dispatch"]

    class WithMixin(Mixin, Base):
        pass

    for view in (View, Below, WithMixin):
        assert judged(view) == ["api_guard.E011"]


def test_the_documented_idiom_is_answered(judged, client):
    @method_decorator(cache.never_cache, name="dispatch")
    class View(Base):
        pass

    assert judged(View) == []
    response = client.get("/view")
    assert (response.status_code, response.json()) == (200, "read")


def test_a_decorator_above_the_guard_raises_no_alarm_either(judged):
    def above(view):
        return method_decorator(cache.never_cache, name="initial")(public(view))

    assert judged(type("View", (Base,), {}), above) == []


def test_a_hook_of_the_framework_that_was_replaced_later_is_still_its_own(judged, monkeypatch):
    captured = APIView.initial

    class View(Base):
        initial = with_wraps(captured)

    def replaced(self, request, *args, **kwargs):
        return captured(self, request, *args, **kwargs)

    monkeypatch.setattr(APIView, "initial", replaced)
    assert judged(View) == []


def test_what_holds_more_than_can_be_looked_into_raises_no_alarm(judged):
    many = [object() for _ in range(1000)]

    class View(Base):
        def dispatch(self, request, *args, **kwargs):
            return Response(len(many))

    assert judged(View) == []


def answering(function):
    @functools.wraps(function)
    def inner(self, request, *args, **kwargs):
        return Response("for maintenance", status=503)

    return inner


def answering_with(text):
    def decorate(function):
        @functools.wraps(function)
        def inner(self, request, *args, **kwargs):
            return Response(text)

        return inner

    return decorate


class Silent:
    """It keeps no more of a function than its name."""

    def __init__(self, function):
        self.name = function.__name__
        self.__annotations__ = {}

    def __call__(self, request):
        return Response(self.name)


@pytest.mark.parametrize("decorator", [answering, answering_with("x"), Silent])
def test_a_decorator_that_only_takes_the_name_is_named(judged, decorator):
    class View(Base):
        dispatch = decorator(APIView.dispatch)

    assert judged(View) == ["api_guard.E011"]


# What an override calls


def shared_dispatch(view, request):
    return view.initial(request)


class Explicit(Base):
    def dispatch(self, request, *args, **kwargs):
        return APIView.dispatch(self, request, *args, **kwargs)


class ByName(Base):
    def dispatch(self, request, *args, **kwargs):
        return getattr(super(), "dispatch")(request, *args, **kwargs)  # noqa: B009


class OwnDispatch(Base):
    def dispatch(self, request, *args, **kwargs):
        self.request = self.initialize_request(request, *args, **kwargs)
        self.initial(self.request, *args, **kwargs)
        return self.get(self.request)


class ByMethods(Base):
    def dispatch(self, request, *args, **kwargs):
        return self.first(request, *args, **kwargs)

    def first(self, request, *args, **kwargs):
        return self.second(request, *args, **kwargs)

    def second(self, request, *args, **kwargs):
        self.initial(request, *args, **kwargs)


class ByFunction(Base):
    def dispatch(self, request, *args, **kwargs):
        return shared_dispatch(self, request)


class OwnInitial(Base):
    def initial(self, request, *args, **kwargs):
        self.perform_authentication(request)
        self.check_permissions(request)


class OwnChecks(Base):
    def check_permissions(self, request):
        for permission in self.get_permissions():
            if not permission.has_permission(request, self):
                self.permission_denied(request)

    def check_object_permissions(self, request, obj):
        for permission in self.get_permissions():
            if not permission.has_object_permission(request, self, obj):
                self.permission_denied(request)

    def filter_queryset(self, queryset):
        for backend in self.filter_backends:
            queryset = backend().filter_queryset(self.request, queryset, self)
        return queryset


class OwnClasses(Base):
    def check_permissions(self, request):
        for permission in self.permission_classes:
            if not permission().has_permission(request, self):
                self.permission_denied(request)


class SignedIn(LoginRequiredMixin, Base):
    pass


class Asynchronous(adrf.views.APIView):
    async def get(self, request):
        return Response("read")


class AsynchronousBelow(Asynchronous):
    async def dispatch(self, request, *args, **kwargs):
        return await super().dispatch(request, *args, **kwargs)


@pytest.mark.parametrize(
    "view",
    [
        Explicit,
        ByName,
        OwnDispatch,
        ByMethods,
        ByFunction,
        OwnInitial,
        OwnChecks,
        OwnClasses,
        SignedIn,
        Asynchronous,
        AsynchronousBelow,
    ],
)
def test_an_override_that_leads_to_a_decision_raises_no_alarm(judged, view):
    assert judged(view) == []


def test_a_dispatch_that_calls_initial_by_itself_is_answered(judged, client):
    class View(Base):
        def dispatch(self, request, *args, **kwargs):
            self.headers = {}
            self.args, self.kwargs = args, kwargs
            self.request = self.initialize_request(request, *args, **kwargs)
            self.initial(self.request, *args, **kwargs)
            response = self.get(self.request)
            return self.finalize_response(self.request, response, *args, **kwargs)

    assert judged(View) == []
    assert client.get("/view").json() == "read"


class HelperOnly(Base):
    def dispatch(self, request, *args, **kwargs):
        return self.answer(request)

    def answer(self, request):
        logger.info("dispatch")
        return Response()


class DroppingInitial(Base):
    def initial(self, request, *args, **kwargs):
        self.perform_authentication(request)


class DroppingFilters(Base):
    def filter_queryset(self, queryset):
        return queryset


class DroppingAsync(adrf.views.APIView):
    async def dispatch(self, request, *args, **kwargs):
        return Response()


@pytest.mark.parametrize(
    ("view", "ids"),
    [
        (HelperOnly, ["api_guard.E011"]),
        (DroppingInitial, ["api_guard.E011"]),
        (DroppingAsync, ["api_guard.E011"]),
        (DroppingFilters, ["api_guard.W012"]),
    ],
)
def test_an_override_that_leads_nowhere_is_named(judged, view, ids):
    assert judged(view) == ids


# HasScopes


class Scoped(Base):
    permission_classes = [HasScopes("notes:read")]


class ScopedDispatch(Scoped):
    def dispatch(self, request, *args, **kwargs):
        return super().dispatch(request, *args, **kwargs)


class ScopedInitial(ScopedDispatch):
    def initial(self, request, *args, **kwargs):
        super().initial(request, *args, **kwargs)
        self.prepared = True


class ScopedDropping(Scoped):
    def initial(self, request, *args, **kwargs):
        self.perform_authentication(request)


class ScopedSometimes(Scoped):
    def check_permissions(self, request):
        if request.method != "GET":
            super().check_permissions(request)


@pytest.mark.parametrize(
    ("view", "is_named"),
    [
        (Scoped, False),
        (ScopedDispatch, False),
        (ScopedInitial, False),
        (ScopedDropping, True),
        (ScopedSometimes, True),
    ],
)
def test_scopes_may_be_lost_where_an_override_does_not_lead_to_them(judged, view, is_named):
    assert judged(view, lambda cls: cls) == []
    assert [m.id for m in checks.check_unknown()] == ["api_guard.E010"] * is_named


# permission_denied


def deny(message=None):
    raise exceptions.PermissionDenied(message)


class Refused(Base):
    permission_classes = [permissions.IsAdminUser]


class Forgetting(Refused):
    def permission_denied(self, request, message=None, code=None):
        pass


class Noting(Refused):
    def permission_denied(self, request, message=None, code=None):
        logger.warning("%s was denied", request.user)
        audit.warning("denied")
        logging.warning("denied")
        self.note(message)
        self.deny_later()

    def note(self, message):
        self.noted = str(message)

    async def deny_later(self):
        raise exceptions.PermissionDenied


class Answering(Refused):
    def permission_denied(self, request, message=None, code=None):
        return Response({"detail": message}, status=403)


class Making(Refused):
    def permission_denied(self, request, message=None, code=None):
        exceptions.PermissionDenied(message)


class Coroutine(Refused):
    async def permission_denied(self, request, message=None, code=None):
        super().permission_denied(request, message, code)


class Decorated(Refused):
    @with_wraps
    def permission_denied(self, request, message=None, code=None):
        self.denied = True


class Below(Forgetting):
    def permission_denied(self, request, message=None, code=None):
        super().permission_denied(request, message, code)


@pytest.mark.parametrize(
    "view", [Forgetting, Noting, Answering, Making, Coroutine, Decorated, Below]
)
def test_a_permission_denied_that_raises_nothing_is_named(judged, view):
    assert judged(view) == ["api_guard.W012"]
    [message] = checks.check_overrides()
    assert "permission_denied() raises nothing" in message.msg
    assert "super().permission_denied(...)" in message.hint


class Raising(Refused):
    def permission_denied(self, request, message=None, code=None):
        if request.auth is None:
            raise exceptions.NotAuthenticated
        logger.warning("denied")


class OnByName(Refused):
    def permission_denied(self, request, message=None, code=None):
        super().permission_denied(request, message="No.", code=code)


class ByHelper(Refused):
    def permission_denied(self, request, message=None, code=None):
        deny(message)


class ByMethod(Refused):
    def permission_denied(self, request, message=None, code=None):
        self.refuse(message)

    def refuse(self, message):
        deny(message)


class ByLibrary(Refused):
    def permission_denied(self, request, message=None, code=None):
        request.session.flush()


class ByAnother(Refused):
    handler = object()

    def permission_denied(self, request, message=None, code=None):
        self.handler.deny(request)


class ByClassMethod(Refused):
    def permission_denied(self, request, message=None, code=None):
        self.refuse()

    @classmethod
    def refuse(cls):
        raise exceptions.PermissionDenied


def at_length(message):
    return lengthier(message)


def lengthier(message):
    return longest(message)


def longest(message):
    deny(message)


class AtLength(Refused):
    def permission_denied(self, request, message=None, code=None):
        at_length(message)


class Marked(Refused):
    @method_decorator(transaction.atomic)
    def permission_denied(self, request, message=None, code=None):
        set_rollback()
        raise exceptions.PermissionDenied


@pytest.mark.parametrize(
    "view",
    [
        Raising,
        OnByName,
        ByHelper,
        ByMethod,
        ByLibrary,
        ByAnother,
        ByClassMethod,
        AtLength,
        Marked,
        Refused,
    ],
)
def test_a_permission_denied_that_may_raise_is_left_alone(judged, view):
    assert judged(view) == []
