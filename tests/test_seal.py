"""Every answer of a view has a decision or a refusal of its own behind it."""

from __future__ import annotations

import io
from contextlib import suppress

import pytest
from adrf.views import APIView as AsyncAPIView
from asgiref.sync import async_to_sync
from django.core.signals import request_finished
from django.http import FileResponse, HttpResponse, JsonResponse, StreamingHttpResponse
from django.test import AsyncClient, Client
from django.urls import path
from rest_framework.exceptions import APIException
from rest_framework.renderers import JSONRenderer
from rest_framework.response import Response
from rest_framework.views import APIView

from api_guard import PUBLIC, guard
from api_guard.permissions import HasScopes
from tests.models import Note

pytestmark = [pytest.mark.urls(__name__), pytest.mark.django_db]

read = guard(read="notes:read")


class Notes(APIView):
    def get(self, request):
        Note.objects.create(title="stored")
        return Response("notes")


# What a project makes of every error: 200, and the error in the body.


class Enveloped(Notes):
    def handle_exception(self, exc):
        response = super().handle_exception(exc)
        response.data = {"ok": False, "error": response.data}
        response.status_code = 200
        return response


class EnvelopedAlone(Notes):
    def handle_exception(self, exc):
        return Response({"ok": False, "error": {"code": exc.detail.code}})


class EnvelopedAtLast(Notes):
    def handle_exception(self, exc):
        response = super().handle_exception(exc)
        response.status_code = 200
        return response

    def finalize_response(self, request, response, *args, **kwargs):
        data = {"ok": False, "error": response.data}
        return super().finalize_response(request, Response(data), *args, **kwargs)


class EnvelopedInInitial(Enveloped):
    def initial(self, request, *args, **kwargs):
        if "odd" in request.query_params:
            raise APIException("odd", "odd")
        super().initial(request, *args, **kwargs)


class EnvelopedScopes(Enveloped):
    permission_classes = [HasScopes("notes:read")]


ENVELOPED = {
    "super": read(Enveloped).as_view(),
    "alone": read(EnvelopedAlone).as_view(),
    "at-last": read(EnvelopedAtLast).as_view(),
    "scopes": EnvelopedScopes.as_view(),
    "given": read(Notes).as_view(
        handle_exception=lambda exc: Response({"error": {"code": exc.detail.code}}, status=418)
    ),
}


# What goes on after the refusal.


class Replaces(Notes):
    def dispatch(self, request, *args, **kwargs):
        super().dispatch(request, *args, **kwargs)
        return HttpResponse("leaked")


class Rewrites(Notes):
    def dispatch(self, request, *args, **kwargs):
        response = super().dispatch(request, *args, **kwargs)
        response.data, response.status_code = "leaked", 200
        return response


class CallsOn(Notes):
    def dispatch(self, request, *args, **kwargs):
        response = super().dispatch(request, *args, **kwargs)
        if response.status_code == 401:
            response.data, response.status_code = self.get(self.request).data, 200
        return response


class CallsOnByName(Notes):
    def handle_exception(self, exc):
        response = self.get(self.request)
        response["X-Error"] = "1"
        return response


class Swallows(Notes):
    def dispatch(self, request, *args, **kwargs):
        self.request = self.initialize_request(request, *args, **kwargs)
        self.headers = {}
        with suppress(APIException):
            self.initial(self.request)
        return self.finalize_response(self.request, HttpResponse("leaked"))


class Discards(Notes):
    def dispatch(self, request, *args, **kwargs):
        self.request = self.initialize_request(request, *args, **kwargs)
        self.headers = {}
        try:
            self.initial(self.request)
        except APIException as refusal:
            self.handle_exception(refusal)
        return self.finalize_response(self.request, HttpResponse("leaked"))


class HandsOn(Enveloped):
    def dispatch(self, request, *args, **kwargs):
        super().dispatch(request, *args, **kwargs)
        return open_view(request)


SWALLOWED = {
    "replaces": Replaces,
    "rewrites": Rewrites,
    "calls-on": CallsOn,
    "calls-on-by-name": CallsOnByName,
    "swallows": Swallows,
    "discards": Discards,
    "hands-on": HandsOn,
}
open_view = guard(read=PUBLIC)(type("OpenNotes", (Notes,), {})).as_view()


# Answers of any kind, behind a plain view that nothing can be found in.

KEPT = {}


def answering(answer):
    cls = type("Answering", (Notes,), {"dispatch": lambda self, request: answer()})
    return read(cls).as_view()


KINDS = {
    "plain": answering(lambda: HttpResponse("leaked")),
    "json": answering(lambda: JsonResponse({"leaked": 1})),
    "stream": answering(lambda: StreamingHttpResponse(iter([b"leaked"]))),
}


def by_name(request, name):
    return KEPT[name](request)


def shuffled(request, name):
    return JsonResponse({"said": KEPT[name](request).getvalue().decode()})


# Views that call several.

closed_view = read(type("ClosedNotes", (Notes,), {})).as_view()
enveloped_view = ENVELOPED["super"]


def collects(*views):
    def collect(request):
        answers = [view(request) for view in views]
        return JsonResponse({"statuses": [answer.status_code for answer in answers]})

    return collect


def tries(request):
    answers = []
    for view in (open_view, failing_view):
        try:
            answers.append(view(request).status_code)
        except ZeroDivisionError:
            answers.append(500)
    return JsonResponse({"statuses": answers})


class Fails(Notes):
    def dispatch(self, request, *args, **kwargs):
        return HttpResponse(1 / 0)


class FailsLater(Enveloped):
    def get(self, request):
        raise APIException("later", "later")


class TriesAgain(Notes):
    """Handles the first refusal, and comes back with what it lacked."""

    def dispatch(self, request, *args, **kwargs):
        self.headers = {}
        self.request = self.initialize_request(request, *args, **kwargs)
        try:
            self.initial(self.request)
        except APIException as refusal:
            self.handle_exception(refusal)
        request.META["HTTP_AUTHORIZATION"] = f"Bearer {request.GET['token']}"
        self.request = self.initialize_request(request, *args, **kwargs)
        self.initial(self.request)
        return HttpResponse(self.get(self.request).data)


class Batch(APIView):
    def get(self, request):
        views = (open_view, closed_view)
        return Response({"statuses": [view(request._request).status_code for view in views]})


class BatchOverLoose(Batch):
    def get(self, request):
        KINDS["plain"](request._request)
        return Response("collected")


failing_view = read(Fails).as_view()

urlpatterns = [
    *(path(f"enveloped/{name}", view) for name, view in ENVELOPED.items()),
    *(path(f"swallowed/{name}", read(cls).as_view()) for name, cls in SWALLOWED.items()),
    path("in-initial", read(EnvelopedInInitial).as_view()),
    path("by-name/<name>", by_name),
    path("shuffled/<name>", shuffled),
    path("collects", collects(open_view, closed_view)),
    path("collects-enveloped", collects(open_view, enveloped_view)),
    path("collects-nothing", collects(closed_view, enveloped_view)),
    path("collects-loose", collects(open_view, KINDS["plain"])),
    path("tries", tries),
    path("fails-later", read(FailsLater).as_view()),
    path("tries-again", read(TriesAgain).as_view()),
    path("batch", guard(read=PUBLIC)(Batch).as_view()),
    path("batch-loose", guard(read=PUBLIC)(BatchOverLoose).as_view()),
]


@pytest.fixture(autouse=True)
def _kept():
    KEPT.update(KINDS)


@pytest.mark.parametrize("name", ENVELOPED)
def test_a_refusal_in_the_project_s_envelope_is_a_refusal(api, alice, give, name):
    response = api.get(f"/enveloped/{name}")
    assert response.status_code == (418 if name == "given" else 200)
    assert response.json()["error"]["code"] == "not_authenticated"
    assert not Note.objects.exists()
    give(alice, "notes:read")
    assert api.by_session(alice).get(f"/enveloped/{name}").status_code == 200
    assert Note.objects.count() == 1


def test_whatever_is_raised_before_the_decision_refuses(api):
    assert api.get("/in-initial?odd").json() == {"ok": False, "error": {"detail": "odd"}}


def test_what_is_raised_after_the_decision_is_an_answer_as_any(api, alice, give):
    give(alice, "notes:read")
    answer = api.by_session(alice).get("/fails-later")
    assert (answer.status_code, answer.json()["error"]) == (200, {"detail": "later"})


def test_a_view_that_is_decided_in_the_end_runs(api, alice, give, issue):
    token = issue("notes:read", user=alice)
    give(alice, "notes:read")
    give(token.application, "notes:read")
    assert api.get("/tries-again", {"token": token.token}).content == b"notes"


@pytest.mark.parametrize("name", SWALLOWED)
def test_a_view_that_goes_on_after_its_refusal_is_refused(api, name):
    response = api.get(f"/swallowed/{name}")
    assert (response.status_code, response.json()["code"]) == (403, "unsealed")
    assert Note.objects.count() == (name == "hands-on")


@pytest.mark.parametrize("name", KINDS)
@pytest.mark.parametrize("way", ["by-name", "shuffled"])
def test_an_answer_of_any_kind_is_sealed_however_the_view_was_called(api, name, way):
    response = api.get(f"/{way}/{name}")
    assert (response.status_code, response.json()["code"]) == (403, "unsealed")


@pytest.mark.parametrize(
    ("route", "statuses"),
    [
        ("collects", [200, 401]),
        ("collects-enveloped", [200, 200]),
        ("collects-nothing", [401, 200]),
        ("tries", [200, 500]),
        ("batch", [200, 401]),
    ],
)
def test_a_view_may_call_several_of_which_some_refuse(api, route, statuses):
    assert api.get(f"/{route}").json() == {"statuses": statuses}


@pytest.mark.parametrize("route", ["collects-loose", "batch-loose"])
def test_of_several_none_may_answer_undecided(api, route):
    assert api.get(f"/{route}").json()["code"] == "unsealed"


def test_a_sealed_answer_ends_the_request_once_and_lets_go_of_what_it_held():
    file, ended, closed = io.BytesIO(b"leaked"), [], []

    def generate():
        try:
            yield b"leaked"
            yield b"leaked"
        finally:
            closed.append(True)

    started = generate()
    next(started)
    KEPT["file"] = answering(lambda: FileResponse(file))
    KEPT["generator"] = answering(lambda: StreamingHttpResponse(started))

    def end(**_):
        ended.append(True)

    request_finished.connect(end)
    try:
        for name in ("file", "generator"):
            response = Client().get(f"/by-name/{name}")
            assert response.json()["code"] == "unsealed"
    finally:
        request_finished.disconnect(end)
    assert (file.closed, closed, len(ended)) == (True, [True], 2)


class Page(JSONRenderer):
    """Shows, around an error, what a GET would answer, as DRF's AdminRenderer once did."""

    def render(self, data, accepted_media_type=None, renderer_context=None):
        view = renderer_context["view"]
        return super().render(view.get(view.request).data)


class Paged(Notes):
    renderer_classes = [Page]


urlpatterns.append(path("paged", read(Paged).as_view()))


@pytest.mark.parametrize("accept", ["text/html", "application/json"])
def test_a_page_of_a_refusal_does_not_run_the_handler(api, alice, give, accept):
    response = api.get("/paged", headers={"Accept": accept})
    assert (response.status_code, response.json()["code"]) == (403, "unsealed")
    assert not Note.objects.exists()
    give(alice, "notes:read")
    assert api.by_session(alice).get("/paged").json() == "notes"


class AsyncNotes(AsyncAPIView):
    permission_classes = [HasScopes("notes:read")]

    async def get(self, request):
        return HttpResponse("notes")


class AsyncEnveloped(AsyncNotes):
    def handle_exception(self, exc):
        response = super().handle_exception(exc)
        response.status_code = 200
        return response


class AsyncReplaces(AsyncNotes):
    async def dispatch(self, request, *args, **kwargs):
        await super().dispatch(request, *args, **kwargs)
        return HttpResponse("leaked")


class AsyncCallsOn(AsyncNotes):
    async def dispatch(self, request, *args, **kwargs):
        await super().dispatch(request, *args, **kwargs)
        return await self.get(self.request)


class AsyncFails(AsyncNotes):
    async def dispatch(self, request, *args, **kwargs):
        return HttpResponse(1 / 0)


ASYNC = {
    "notes": (AsyncNotes, 401, "not_authenticated"),
    "enveloped": (AsyncEnveloped, 200, "not_authenticated"),
    "replaces": (AsyncReplaces, 403, "unsealed"),
    "calls-on": (AsyncCallsOn, 403, "unsealed"),
}
urlpatterns += [path(f"async/{name}", cls.as_view()) for name, (cls, *_) in ASYNC.items()]
urlpatterns.append(path("async/fails", AsyncFails.as_view()))


@pytest.mark.parametrize("name", ASYNC)
@pytest.mark.django_db(transaction=True)
def test_an_async_view_is_sealed_as_any(name):
    _, status, code = ASYNC[name]
    response = async_to_sync(AsyncClient().get)(f"/async/{name}")
    assert (response.status_code, response.json()["code"]) == (status, code)


@pytest.mark.django_db(transaction=True)
def test_an_async_view_that_fails_fails():
    client = AsyncClient(raise_request_exception=False)
    assert async_to_sync(client.get)("/async/fails").status_code == 500
