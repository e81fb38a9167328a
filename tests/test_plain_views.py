"""Plain Django views take the same guard: the same decisions, rates and refusals, and no rules."""

from __future__ import annotations

import io
import json
import re
from contextlib import suppress
from functools import partial
from pathlib import Path

import pytest
from asgiref.sync import async_to_sync, iscoroutinefunction
from django.core.exceptions import PermissionDenied
from django.core.management import call_command
from django.db.models import Q
from django.http import Http404, HttpResponse, JsonResponse, StreamingHttpResponse
from django.template import engines
from django.template.response import TemplateResponse
from django.test import AsyncClient, Client, RequestFactory
from django.urls import include, path
from django.views import View
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_GET
from django.views.generic import ListView, TemplateView
from rest_framework.decorators import api_view
from rest_framework.exceptions import NotFound
from rest_framework.views import APIView
from rest_framework.viewsets import ModelViewSet

from api_guard import ANY_OBJECT, PUBLIC, SIGNED_IN, STAFF, checks, grants, guard
from api_guard.access.endpoints import endpoints
from api_guard.checks.endpoints import check_endpoints
from api_guard.checks.objects import check_detail_routes
from api_guard.exceptions import GuardError
from api_guard.testing import (
    assert_every_endpoint_guarded,
    assert_no_endpoint_leaks,
    broken_database,
    probe,
)
from api_guard.testing.places import place_of
from tests.models import Note

pytestmark = [pytest.mark.django_db, pytest.mark.urls(__name__)]
notes = guard(read="notes:read", write="notes:write", throttle="100/m")


def told(request, **more):
    """What a view sees of its caller."""
    kind = type(request.auth).__name__
    return JsonResponse({"user": str(request.user), "auth": kind, "is": request.method, **more})


@notes
def function(request, key=None):
    """A function."""
    return told(request, key=key, form=request.POST.dict())


@notes
async def coroutine(request):
    user = await request.auser()
    return told(request, same=user == request.user)


@notes
class Sync(View):
    text = "here"

    def get(self, request):
        return told(request, text=self.text)

    def post(self, request):
        return told(request, form=request.POST.dict())


@notes
class Maker(View):
    def get(self, request):
        return told(request, text=f"made by {type(self).__name__}")

    @classmethod
    def as_view(cls, **initkwargs):
        return lambda request: cls(**initkwargs).get(request)


@notes
class Async(View):
    async def get(self, request):
        return told(request, same=await request.auser() == request.user)


class Child(Sync):
    text = "child"


@guard(read=PUBLIC, write="notes:write")
class Opened(Sync):
    text = "opened"


@guard(read=PUBLIC, write=PUBLIC, throttle="2/h")
def counted(request):
    return HttpResponse("counted")


@guard(read=PUBLIC, write=PUBLIC)
@csrf_exempt
def hook(request):
    return told(request)


@guard(read=PUBLIC, write=PUBLIC)
def form(request):
    return told(request)


@guard(read=PUBLIC)
def page(request):
    return HttpResponse("<p>A page</p>")


@guard(read=PUBLIC)
@require_GET
def failing(request, how):
    raise {
        "missing": Http404("no such thing"),
        "forbidden": PermissionDenied("no"),
        "drf": NotFound("not here"),
        "broken": ZeroDivisionError("broken"),
    }[how]


@guard(read=PUBLIC)
async def failing_later(request, how):
    return failing_view(request, how)


def failing_view(request, how):
    return failing.cls.plain(request, how)


@guard(read=PUBLIC)
def rows(request):
    return JsonResponse({"rows": Note.objects.count()})


@guard(read=PUBLIC)
def streaming(request):
    return StreamingHttpResponse(iter([b"a", b"b"]))


@guard(read=SIGNED_IN)
class Listed(ListView):
    queryset = Note.objects.order_by("pk")

    def render_to_response(self, context):
        return JsonResponse([note.title for note in context["object_list"]], safe=False)


@guard(read=STAFF)
class Templated(View):
    def get(self, request):
        template = engines["django"].from_string("<html>{{ user }}</html>")
        return TemplateResponse(request, template, {"user": request.user})


staff_only = guard(read=STAFF)


def unguarded(request):
    return HttpResponse("open")


@api_view(["GET"])
@guard(read=PUBLIC)
def upside_down(request):
    return HttpResponse("open")


urlpatterns = [
    path("function/", function),
    path("function/<int:key>/", function),
    path("coroutine/", coroutine),
    path("sync/", Sync.as_view()),
    path("sync/other/", Sync.as_view(text="there")),
    path("maker/", Maker.as_view()),
    path("async/", Async.as_view()),
    path("child/", Child.as_view()),
    path("opened/", Opened.as_view()),
    path("counted/", counted),
    path("hook/", hook),
    path("form/", form),
    path("page/", page),
    path("failing/<how>/", failing),
    path("later/<how>/", failing_later),
    path("rows/", rows),
    path("streaming/", streaming),
    path("listed/", Listed.as_view()),
    path("templated/", Templated.as_view()),
    path("callback/", staff_only(TemplateView.as_view(template_name="x.html"))),
    path("third/", staff_only(TemplateView).as_view(template_name="x.html")),
    path("o/", include("api_guard.oauth2.urls")),
]
PLACES = ["/function/", "/coroutine/", "/sync/", "/async/"]


@pytest.fixture(autouse=True)
def _prefixes(settings):
    # All but the authorization server, which has its own protection.
    prefixes = [f"/{str(each.pattern).split('/')[0]}" for each in urlpatterns[:-1]]
    settings.API_GUARD = {**settings.API_GUARD, "PREFIXES": prefixes}


@pytest.mark.parametrize("url", PLACES)
def test_a_stranger_gets_401_and_a_caller_without_the_scope_403(api, alice, issue, url):
    answer = api.get(url)
    assert (answer.status_code, answer.json()["code"]) == (401, "not_authenticated")
    assert answer.headers["WWW-Authenticate"].startswith('Bearer realm="api"')
    answer = api.by_token(issue("notes:read", user=alice)).get(url, headers={"Accept": "text/html"})
    assert (answer.status_code, answer.json()["code"]) == (403, "insufficient_scope")
    assert 'error="insufficient_scope", scope="notes:read"' in answer.headers["WWW-Authenticate"]
    answer = api.by_token("nonsense").get(url)
    assert (answer.status_code, answer.json()["code"]) == (401, "invalid_token")


@pytest.mark.parametrize("url", PLACES)
def test_a_granted_token_and_a_session_pass_and_the_view_sees_the_caller(
    api, alice, application, issue, give, url
):
    give(alice, "notes:read")
    give(application, "notes:read")
    answer = api.by_token(issue("notes:read", user=alice)).get(url)
    assert answer.status_code == 200, answer.content
    assert (answer.json()["user"], answer.json()["auth"]) == ("alice", "AccessToken")
    assert answer.json().get("same", True)
    assert answer.headers["RateLimit-Policy"] == '"100/m";q=100;w=60'
    assert answer.headers["Cache-Control"] == "private, no-store"
    assert "Allow" not in answer.headers
    api.credentials()
    answer = api.by_session(alice).get(url)
    assert (answer.json()["user"], answer.json()["auth"]) == ("alice", "NoneType")
    grants.revoke(alice.scope_grants.get(), by=grants.System("a test"))
    assert api.get(url).status_code == 403


@pytest.mark.parametrize("url", PLACES)
def test_under_asgi_it_is_the_same(alice, give, issue, application, url):
    give(alice, "notes:read")
    give(application, "notes:read")
    token = issue("notes:read", user=alice).token

    async def ask():
        client = AsyncClient()
        refused = await client.get(url)
        answer = await client.get(url, headers={"Authorization": f"Bearer {token}"})
        return refused, answer

    refused, answer = async_to_sync(ask)()
    assert (refused.status_code, json.loads(refused.content)["code"]) == (401, "not_authenticated")
    assert json.loads(answer.content)["user"] == "alice"


def test_a_client_on_its_own_behalf_is_no_user(api, application, issue, give):
    give(application, "notes:read")
    answer = api.by_token(issue("notes:read")).get("/function/")
    assert answer.json()["user"] == "AnonymousUser"


def test_a_write_by_a_session_needs_django_s_csrf_token_and_a_token_needs_none(
    alice, application, issue, give
):
    give(alice, "notes:read", "notes:write")
    give(application, "notes:write")
    client = Client(enforce_csrf_checks=True)
    client.force_login(alice, "django.contrib.auth.backends.ModelBackend")
    for url in ("/function/", "/sync/"):
        refused = client.post(url, {"title": "x"})
        assert (refused.status_code, "CSRF" in refused.json()["detail"]) == (403, True)
        client.cookies["csrftoken"] = token = "a" * 32
        answer = client.post(url, {"title": "x"}, headers={"X-CSRFToken": token})
        assert answer.json()["form"] == {"title": "x"}
        del client.cookies["csrftoken"]
    bearer = {"Authorization": f"Bearer {issue('notes:write', user=alice).token}"}
    answer = Client(enforce_csrf_checks=True).post("/sync/", {"title": "x"}, headers=bearer)
    assert answer.json()["form"] == {"title": "x"}


def test_a_public_write_needs_it_too_unless_the_view_is_exempt():
    client = Client(enforce_csrf_checks=True)
    refused = client.post("/form/")
    assert (refused.status_code, "CSRF" in refused.json()["detail"]) == (403, True)
    client.cookies["csrftoken"] = token = "a" * 32
    assert client.post("/form/", headers={"X-CSRFToken": token}).status_code == 200
    assert Client(enforce_csrf_checks=True).post("/hook/").status_code == 200


def test_rates_count_and_refuse(api):
    answers = [api.get("/counted/") for _ in range(3)]
    assert [answer.status_code for answer in answers] == [200, 200, 429]
    assert answers[2].json()["code"] == "rate_limited"
    assert int(answers[2].headers["Retry-After"]) > 0


def test_methods_without_a_requirement_or_a_handler_are_405(api, alice, give):
    give(alice, "notes:read", "notes:write")
    api.by_session(alice)
    answer = api.put("/sync/")
    assert (answer.status_code, answer.headers["Allow"]) == (405, "GET, POST, HEAD, OPTIONS")
    assert api.post("/page/").status_code == 405
    assert api.head("/sync/").status_code == 200
    assert api.options("/sync/").headers["Allow"] == "GET, POST, HEAD, OPTIONS"
    assert api.options("/function/").json()["is"] == "OPTIONS"
    assert api.patch("/function/7/").json()["key"] == 7


def test_a_subclass_inherits_the_guard_and_another_one_replaces_it(api, alice, give):
    assert api.get("/child/").status_code == 401
    assert api.get("/opened/").json()["text"] == "opened"
    give(alice, "notes:read")
    api.by_session(alice)
    texts = [api.get(url).json()["text"] for url in ("/sync/", "/sync/other/", "/child/")]
    assert texts == ["here", "there", "child"]


def test_a_class_that_makes_its_callback_itself_is_guarded(api, alice, give):
    assert api.get("/maker/").status_code == 401
    give(alice, "notes:read")
    assert api.by_session(alice).get("/maker/").json()["text"] == "made by Maker"


def test_generic_views_answer_as_they_are(api, alice, staff):
    Note.objects.create(author=alice, title="A note")
    assert api.get("/listed/").status_code == 401
    assert api.by_session(alice).get("/listed/").json() == ["A note"]
    assert api.get("/templated/").json()["code"] == "staff_only"
    answer = api.by_session(staff).get("/templated/")
    assert (answer.status_code, b"<html" in answer.content) == (200, True)
    assert "Content-Security-Policy" not in answer.headers


def test_a_class_or_a_callback_of_another_package_is_guarded_without_changing_it():
    assert "as_view" not in TemplateView.__dict__
    views = {endpoint.route: endpoint.view for endpoint in endpoints()}
    assert views["/callback/"].startswith("django.views.generic.base.TemplateView")
    assert views["/third/"] == "django.views.generic.base.TemplateView[guarded]"


def test_what_the_view_raises_is_django_s_and_refusals_are_ours(api, client):
    for start in ("/failing", "/later"):
        for how, status in (("missing", 404), ("forbidden", 403), ("drf", 404)):
            answer = client.get(f"{start}/{how}/")
            assert answer.status_code == status, (start, how)
            is_json = answer.headers["Content-Type"] == "application/json"
            assert is_json == (how == "drf")
        with pytest.raises(ZeroDivisionError):
            client.get(f"{start}/broken/")


def test_streams_and_pages_pass(api):
    assert b"".join(api.get("/streaming/").streaming_content) == b"ab"
    answer = api.get("/page/", headers={"Accept": "application/xml"})
    assert (answer.content, answer.headers["Content-Type"]) == (
        b"<p>A page</p>",
        "text/html; charset=utf-8",
    )


@pytest.mark.parametrize("url", PLACES)
def test_without_the_database_it_is_503(api, alice, issue, url):
    api.by_token(issue("notes:read", user=alice))
    with broken_database():
        answer = api.get(url)
        counted_rows = api.get("/rows/")
    assert (answer.status_code, answer.json()["code"]) == (503, "guard_unavailable")
    assert counted_rows.status_code == 503


def test_the_listing_the_checks_and_the_kit_know_them():
    said = [message for check in checks.CHECKS for message in check()]
    assert [message for message in said if "test_plain" in str(message)] == []
    assert_every_endpoint_guarded()
    assert_no_endpoint_leaks()
    reached = {each.path: each.anonymous for each in probe() if each.method == "GET"}
    assert (reached["/later/<how>/"], reached["/failing/<how>/"]) == ("reached", "reached")
    assert (reached["/coroutine/"], reached["/function/"]) == ("401", "401")
    found = {
        (each.route, each.operation.method): (each.status.value, str(each.requirement))
        for each in endpoints()
        if each.view.startswith(__name__)
    }
    assert found["/function/", "GET"] == ("guarded", "notes:read")
    assert found["/coroutine/", "DELETE"] == ("guarded", "notes:write")
    assert found["/sync/", "POST"] == ("guarded", "notes:write")
    assert found["/page/", "GET"] == ("public", "PUBLIC")
    assert ("/page/", "POST") not in found
    assert ("/sync/", "PUT") not in found
    assert function.cls.__name__ == "function"
    assert iscoroutinefunction(coroutine)
    assert not iscoroutinefunction(function)


@pytest.mark.parametrize("url", PLACES)
def test_guard_can_explains_them(alice, give, url):
    def can():
        out = io.StringIO()
        with suppress(SystemExit):
            call_command("guard_can", "--user", "alice", "GET", url, stdout=out)
        return out.getvalue()

    assert "refused: insufficient_scope" in can()
    give(alice, "notes:read")
    assert can().startswith("allowed")


def test_a_guard_under_api_view_guards_nothing_and_the_check_says_so(api, settings):
    routes = [path("upside-down/", upside_down), path("unguarded/", unguarded)]
    settings.ROOT_URLCONF = type("Urls", (), {"urlpatterns": routes, "__name__": "upside"})
    settings.API_GUARD = {**settings.API_GUARD, "PREFIXES": ["/"]}
    assert {api.get(f"/{each.pattern}").status_code for each in routes} == {403}
    hints = [message.hint for message in check_endpoints()]
    assert "Write @guard above @api_view, as the outermost line." in hints
    assert any(hint.startswith('Write @guard(read="some:scope") above it, or') for hint in hints)


def test_a_route_to_one_object_is_told_what_a_plain_view_can_do(settings):
    class OfDrf(APIView):
        def get(self, request, pk): ...

    routes = [
        path("one/<int:pk>/", guard(read="notes:read")(unguarded)),
        path("two/<int:pk>/", guard(read="notes:read")(OfDrf).as_view()),
    ]
    settings.ROOT_URLCONF = type("Urls", (), {"urlpatterns": routes, "__name__": "single"})
    of_drf, of_plain = check_detail_routes()
    assert ("OfDrf" in of_drf.msg, "objects=ANY_OBJECT" in of_drf.hint) == (True, True)
    assert "unguarded leads to single objects at /one/<int:pk>/" in of_plain.msg
    assert of_plain.hint.startswith("A plain Django view cannot have an object rule: check in")
    assert of_plain.id == of_drf.id == "api_guard.W018"


def test_a_plain_view_may_say_that_it_checks_its_objects_itself(api, alice, give, settings):
    give(alice, "notes:read")
    views = [
        lambda request, pk: HttpResponse(pk),
        type("Single", (View,), {"get": lambda self, request, pk: HttpResponse("1")}),
    ]
    for view in views:
        held = guard(read="notes:read", objects=ANY_OBJECT)(view)
        routes = [path("<int:pk>/", held.as_view() if isinstance(held, type) else held)]
        settings.ROOT_URLCONF = type("Urls", (), {"urlpatterns": routes, "__name__": "single"})
        assert check_detail_routes() == []
        assert api.by_session(alice).get("/1/").status_code == 200
        api.logout()
        assert api.get("/1/").status_code == 401


@pytest.mark.parametrize("said", [{}, {"objects": ANY_OBJECT}], ids=["no rule", "ANY_OBJECT"])
@pytest.mark.parametrize(("of", "status"), [("alice", 200), ("bob", 403)])
def test_what_a_plain_view_writes_is_held_by_rules_that_hold_everywhere(
    api, alice, bob, give, settings, said, of, status
):
    class Notes(ModelViewSet):
        queryset = Note.objects.order_by("pk")

    def rename(request, pk):
        note = Note.objects.get(pk=pk)
        note.title = "other"
        note.save()
        return HttpResponse("saved")

    give(alice, "notes:write")
    owner = {"alice": alice, "bob": bob}[of]
    note = Note.objects.create(author=owner, title="A note")
    held = guard(read="notes:read", write="notes:write", owner="author", hold="everywhere")(Notes)
    routes = [
        path("notes/<int:pk>/", held.as_view({"get": "retrieve"})),
        path("rename/<int:pk>/", guard(write="notes:write", **said)(rename)),
    ]
    settings.ROOT_URLCONF = type("Urls", (), {"urlpatterns": routes, "__name__": "everywhere"})
    assert api.by_session(alice).post(f"/rename/{note.pk}/").status_code == status
    note.refresh_from_db()
    assert note.title == ("other" if status == 200 else "A note")


def test_a_guard_may_be_said_of_a_callback_of_a_function(api):
    async def nameless(request):
        return told(request)

    view = guard(read=PUBLIC)(partial(nameless))
    answer = async_to_sync(view)(RequestFactory().get("/"))
    assert json.loads(answer.content)["user"] == "AnonymousUser"


def test_the_line_of_a_view_is_that_of_its_function_or_class():
    for view, at in ((function.cls, "def function"), (Sync.as_view().cls, "class Sync")):
        [number] = re.findall(r"\(tests/test_plain_views\.py:(\d+)\)", place_of(view))
        lines = Path(__file__).read_text().splitlines()
        assert at in "".join(lines[int(number) - 1 : int(number) + 1])


def of_author(caller):
    return Q(author=caller.user)


MISUSE = [
    (lambda: guard(read=PUBLIC, owner="author")(unguarded), "owner is not possible"),
    (lambda: guard(read=PUBLIC, objects=of_author)(unguarded), "objects is not possible"),
    (
        lambda: guard(read=PUBLIC, objects={"read": ANY_OBJECT, "write": of_author})(unguarded),
        "objects is not possible",
    ),
    (lambda: guard(read=PUBLIC, model=Note)(Listed), "model is not possible"),
    (lambda: guard(read=PUBLIC, limits={"depth": 2})(unguarded), "limits.'depth'. is not possible"),
    (lambda: guard(read=PUBLIC, related={"a": ANY_OBJECT})(unguarded), "related is not possible"),
    (lambda: guard(read=PUBLIC)(function), "function already has a guard"),
    (lambda: guard(read=PUBLIC)(guard(read=PUBLIC)(type("Twice", (View,), {}))), "already has"),
    (lambda: guard(actions={"list": PUBLIC})(unguarded), "does not have an action or a method"),
    (lambda: guard(read=PUBLIC)(Sync.get), "above class Sync"),
]


@pytest.mark.parametrize(("misuse", "message"), MISUSE)
def test_misuse_fails_at_import_and_says_what_is_not_possible(misuse, message):
    with pytest.raises(GuardError, match=message):
        misuse()
