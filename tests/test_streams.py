"""What a stream reads and writes while it is sent is held to the object rule, part by part."""

from __future__ import annotations

import pytest
from adrf import generics as async_generics
from asgiref.sync import async_to_sync, sync_to_async
from django.http import StreamingHttpResponse
from django.test import AsyncClient
from django.urls import path
from rest_framework import generics
from rest_framework.views import APIView

from api_guard import guard
from api_guard.exceptions import OutsideYourObjects, UncheckedObject
from tests.conftest import MODELS as BACKEND
from tests.models import Note

own = guard(read="notes:read", write="notes:write", owner="author")


@own
class Notes(generics.GenericAPIView):
    queryset = Note.objects.all()

    def get(self, request, what):
        return StreamingHttpResponse(getattr(self, what)())

    post = get

    def narrowed(self):
        yield "title"
        for note in self.get_queryset().iterator():
            yield note.title

    def own(self):
        yield "title"
        for note in Note.objects.filter(author=self.request.user):
            yield note.title

    def all(self):
        yield "title"
        for note in Note.objects.order_by("pk"):
            yield note.title

    def values(self):
        yield "title"
        yield from Note.objects.values_list("title", flat=True)

    def unread(self):
        yield "of a cache, or of another store"

    def empty(self):
        yield ""

    def without_end(self):
        yield from map(str, range(1000))
        yield from Notes.narrowed(self)

    def late(self):
        yield from "title"
        yield from Notes.narrowed(self)

    def after_the_last(self):
        yield "title"
        list(Note.objects.all())

    def renames(self):
        yield "title"
        for note in Note.objects.order_by("pk"):
            note.title = "renamed"
            note.save()
            yield note.title

    def updates(self):
        yield "title"
        yield str(Note.objects.update(title="updated"))


@own
class AsyncNotes(async_generics.GenericAPIView):
    queryset = Note.objects.all()

    async def get(self, request, what):
        parts = getattr(Notes, what)(self)

        async def later():
            while (part := await sync_to_async(next)(parts, None)) is not None:
                yield part

        return StreamingHttpResponse(later())

    async def post(self, request, what):
        return await self.get(request, what)


@own
class OfAnUnknownModel(APIView):
    def get(self, request, what):
        return StreamingHttpResponse(["title"])


@own
class ReadBefore(generics.GenericAPIView):
    queryset = Note.objects.all()

    def get(self, request, what):
        return StreamingHttpResponse(list(Note.objects.values_list("title", flat=True)))


urlpatterns = [
    path("sync/<what>/", Notes.as_view()),
    path("async/<what>/", AsyncNotes.as_view()),
    path("unknown/<what>/", OfAnUnknownModel.as_view()),
    path("before/<what>/", ReadBefore.as_view()),
]
pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.urls(__name__)]


@pytest.fixture
def read(api, alice, bob, give):
    give(alice, "notes:read", "notes:write")
    Note.objects.create(title="hers", author=alice)
    Note.objects.create(title="his", author=bob)
    client = AsyncClient()
    client.force_login(alice, BACKEND)
    api.by_session(alice)

    async def read_async(where, method, sent):
        response = await getattr(client, method)(where)
        async for part in response:
            sent.append(part.decode())

    def read(side, what, method="get"):
        where, sent = f"/{side}/{what}/", []
        try:
            if side == "async":
                async_to_sync(read_async)(where, method, sent)
            else:
                sent.extend(map(bytes.decode, getattr(api, method)(where)))
        except (UncheckedObject, OutsideYourObjects) as refusal:
            sent.append(type(refusal))
        return sent

    return read


SIDES = pytest.mark.parametrize("side", ["sync", "async"])


@SIDES
def test_a_stream_may_ask_for_its_rows_while_it_is_sent(read, side):
    assert read(side, "narrowed") == ["title", "hers"]
    assert read(side, "own") == ["title", "hers"]
    assert "".join(read(side, "late")) == "titletitlehers"
    assert read(side, "empty") == []


@SIDES
@pytest.mark.parametrize("what", ["all", "values", "unread", "without_end", "after_the_last"])
def test_a_stream_breaks_off_before_what_the_rule_had_no_part_in(read, side, what):
    assert read(side, what) == [UncheckedObject]


@SIDES
def test_what_a_stream_writes_is_refused_before_it_is_stored(read, side):
    assert read(side, "renames", "post") == ["title", "renamed", OutsideYourObjects]
    assert read(side, "updates", "post") == [UncheckedObject]
    assert sorted(Note.objects.values_list("title", flat=True)) == ["his", "renamed"]


@pytest.mark.parametrize("where", ["/unknown/x/", "/before/x/"])
def test_what_can_be_told_before_the_stream_is_a_403(api, alice, give, where):
    give(alice, "notes:read")
    Note.objects.create(title="his")
    response = api.by_session(alice).get(where)
    assert (response.status_code, response.json()["code"]) == (403, "unchecked_object")
