"""Async view code that would show, change, link or delete a stranger's row is refused."""

from __future__ import annotations

import asyncio

import pytest
from adrf import generics, viewsets
from adrf.decorators import api_view
from asgiref.sync import async_to_sync, sync_to_async
from django.db import connection
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import Q
from django.http import Http404, StreamingHttpResponse
from django.test import AsyncClient
from django.urls import path
from rest_framework.exceptions import APIException
from rest_framework.parsers import JSONParser
from rest_framework.response import Response

from api_guard import guard
from tests.conftest import MODELS as BACKEND
from tests.objects.models import Audit, Book, Comment, Document, LongPage, Page
from tests.test_async import CRUD, DocumentSerializer, LongSerializer, PageSerializer
from tests.test_transparency import rows, seed

RW = {"read": "notes:read", "write": "notes:write", "limits": {"top": "any"}}
ROUTES = []


class Base(generics.GenericAPIView):
    queryset = Page.objects.all()
    serializer_class = PageSerializer


def at(name, *actions, owner="author", **said):
    def route(view):
        guarded = guard(**RW, owner=owner, **said)(view)
        callback = guarded.as_view(*actions) if isinstance(view, type) else guarded
        ROUTES.append(path(f"{name}/<int:pk>/", callback))
        return guarded

    return route


@at("pages", CRUD)
class Pages(viewsets.ModelViewSet):
    queryset = Page.objects.all()
    serializer_class = PageSerializer
    parser_classes = [JSONParser]

    def get_serializer(self, *args, **kwargs):
        return super().get_serializer(*args, many=isinstance(kwargs.get("data"), list), **kwargs)


@at("pages-by-function", CRUD, owner=None, objects=lambda caller: Q(author=caller.user_id))
class PagesByFunction(Pages):
    pass


@at("long", CRUD, owner=None, objects=lambda caller: Q(author=caller.user_id))
class LongPages(viewsets.ModelViewSet):
    queryset = LongPage.objects.all()
    serializer_class = LongSerializer


@at("documents", CRUD, owner="members")
class Documents(viewsets.ModelViewSet):
    queryset = Document.objects.all()
    serializer_class = DocumentSerializer


@at("books", {"get": "alist"}, owner="owner")
class Books(viewsets.ModelViewSet):
    queryset = Book.objects.all()
    serializer_class = PageSerializer


class Loads(Base):
    """The queryset was asked for, so that a rule that is held to a request would have run."""

    async def load(self, pk=None):
        await self.get_queryset().aexists()
        return await Page.objects.aget(pk=pk or self.kwargs["pk"])


@at("own-get-object")
class OwnGetObject(Loads):
    async def get_object(self):
        return await self.load()

    async def get(self, request, pk):
        return Response((await self.get_object()).title)

    async def delete(self, request, pk):
        await (await self.get_object()).adelete()
        return Response(status=204)


@at("own-aget-object", CRUD)
class OwnAgetObject(viewsets.ModelViewSet):
    queryset = Page.objects.all()
    serializer_class = PageSerializer

    async def aget_object(self):
        return await Page.objects.aget(pk=self.kwargs["pk"])


@at("shown")
class Shown(Loads):
    async def get(self, request, pk):
        return Response(await PageSerializer(await self.load()).adata)

    async def post(self, request, pk):
        await self.load()
        return Response(await PageSerializer(Page.objects.filter(pk=pk), many=True).adata)

    async def put(self, request, pk):
        return Response(self.get_serializer(await self.load()).instance.title)

    async def patch(self, request, pk):
        mine = PageSerializer(await self.load(1))
        his = PageSerializer(await self.load(pk))
        return Response(await asyncio.gather(mine.adata, his.adata))

    async def delete(self, request, pk):
        self.check_object_permissions(request, await self.load())
        return Response("shown")


@at("written")
class Written(Loads):
    """Nothing may be left behind, whatever was shown or checked in the event loop before."""

    async def get(self, request, pk):
        page = await self.load()
        self.get_serializer(page)
        await Audit.objects.acreate(text=page.title)
        return Response()

    async def post(self, request, pk):
        page = await self.load()
        page.title = "taken"
        await page.asave()
        return Response()

    async def put(self, request, pk):
        page = await self.load()
        self.check_object_permissions(request, page)
        await Page.objects.filter(pk=pk).aupdate(title="taken")
        return Response()

    async def patch(self, request, pk):
        page = await self.load()
        serializer = self.get_serializer(page, data={"title": "taken"}, partial=True)
        await sync_to_async(serializer.is_valid)(raise_exception=True)
        await serializer.asave()
        return Response()

    async def delete(self, request, pk):
        try:
            self.get_serializer(await self.load())
            await Audit.objects.acreate(text="caught")
        except Http404:
            pass
        return Response("caught")


@at("more")
class More(Loads):
    async def post(self, request, pk):
        mine = await self.load(1)
        mine.author_id = 2
        await asyncio.gather(mine.asave(), asyncio.sleep(0))
        return Response()

    async def put(self, request, pk):
        mine = await self.load(1)
        mine.book_id = pk
        await mine.asave(update_fields=["book"])
        return Response()

    async def patch(self, request, pk):
        await self.load(1)
        return Response(await asyncio.to_thread(self.rename, pk))

    async def delete(self, request, pk):
        await Page.objects.filter(pk=pk).adelete()
        return Response(status=204)

    def rename(self, pk):
        try:
            page = Page.objects.get(pk=pk)
            page.title = "taken in a thread"
            page.save()
        finally:
            # This thread's own: nobody else closes it, and Django's close() leaves one in memory.
            BaseDatabaseWrapper.close(connection)
        return page.title


class InPlace(PageSerializer):
    async def aupdate(self, page, validated):
        await Page.objects.filter(pk=page.pk).aupdate(**validated)
        return page


@at("in-place")
class UpdatedInPlace(Loads):
    async def post(self, request, pk):
        serializer = InPlace(await self.load(), data={"title": "taken"}, partial=True)
        await sync_to_async(serializer.is_valid)(raise_exception=True)
        await serializer.asave()
        return Response()


@at("function", model=Page)
@api_view(["GET", "POST"])
async def function(request, pk):
    page = await Page.objects.aget(pk=pk)
    page.title = "taken"
    await page.asave()
    return Response(page.title)


@at("streamed")
class Streamed(Loads):
    async def post(self, request, pk):
        await self.aget_object_of(1)
        pages = [await self.load(1), await self.load(pk)]

        async def parts():
            for page in pages:
                page.title = "streamed"
                await page.asave()
                yield page.title

        return StreamingHttpResponse(parts())

    async def aget_object_of(self, pk):
        self.kwargs["pk"] = pk
        return await self.aget_object()


@at("own-dispatch")
class OwnDispatch(Loads):
    """Calls no handler, so that nothing asks afterwards what the event loop left to be asked."""

    async def async_dispatch(self, request, *args, **kwargs):
        self.args, self.kwargs, self.headers = args, kwargs, {}
        self.request = request = self.initialize_request(request, *args, **kwargs)
        try:
            await sync_to_async(self.initial)(request, *args, **kwargs)
            response = Response(self.get_serializer(await self.load()).instance.title)
        except APIException as error:
            response = self.handle_exception(error)
        return self.finalize_response(request, response, *args, **kwargs)

    async def get(self, request, pk):
        raise NotImplementedError


urlpatterns = ROUTES
pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.urls(__name__)]


@pytest.fixture
def people(django_user_model, give):
    alice = django_user_model.objects.create_user(pk=1, username="alice")
    bob = django_user_model.objects.create_user(pk=2, username="bob")
    give(alice, "notes:read", "notes:write")
    seed(alice, bob)
    return alice


@pytest.fixture
def client(people):
    client = AsyncClient()
    client.force_login(people, BACKEND)
    return client


@pytest.fixture
def ask(client):
    def ask(method, where, data=None):
        body = {"data": data, "content_type": "application/json"} if data is not None else {}
        return async_to_sync(getattr(client, method))(where, **body)

    return ask


@pytest.mark.parametrize(
    ("method", "where", "data"),
    [
        *[
            (method, f"/{where}/2/", data)
            for where in ("pages", "pages-by-function", "own-aget-object")
            for method, data in (("get", None), ("delete", None), ("patch", {"title": "x"}))
        ],
        ("get", "/own-get-object/2/", None),
        ("delete", "/own-get-object/2/", None),
        ("get", "/pages/3/", None),
        ("get", "/shown/2/", None),
        ("post", "/shown/2/", {}),
        ("put", "/shown/2/", {}),
        ("patch", "/shown/2/", {}),
        ("delete", "/shown/2/", None),
        ("get", "/written/2/", None),
        ("put", "/written/2/", {}),
        ("patch", "/written/2/", {}),
        ("delete", "/written/2/", None),
        ("post", "/in-place/2/", {}),
    ],
)
def test_a_strangers_object_is_not_there(ask, method, where, data):
    before = rows()
    assert ask(method, where, data).status_code == 404
    assert rows() == before


@pytest.mark.parametrize(
    ("method", "where", "data"),
    [
        ("post", "/written/2/", {}),
        ("post", "/more/1/", {}),
        ("put", "/more/2/", {}),
        ("patch", "/more/2/", {}),
        ("delete", "/more/2/", None),
        ("post", "/function/2/", {}),
        ("post", "/pages/1/", {"title": "x", "author": 2}),
        ("post", "/pages-by-function/1/", {"title": "x", "author": 2}),
        ("post", "/long/1/", {"title": "x", "author": 2}),
        ("patch", "/pages/1/", {"author": 2}),
        ("patch", "/pages-by-function/1/", {"author": 2}),
        ("post", "/pages/1/", [{"title": "a", "author": 1}, {"title": "b", "author": 2}]),
        (
            "post",
            "/pages-by-function/1/",
            [{"title": "a", "author": 1}, {"title": "b", "author": 2}],
        ),
        ("post", "/documents/1/", {"title": "x", "members": [2]}),
        ("patch", "/documents/1/", {"members": [2]}),
    ],
)
def test_what_is_outside_the_callers_objects_is_refused(ask, method, where, data):
    before = rows()
    response = ask(method, where, data)
    assert (response.status_code, response.json()["code"]) == (403, "outside_your_objects")
    assert rows() == before


def test_a_field_names_only_what_the_caller_may_see(ask):
    before = rows()
    assert ask("patch", "/pages/1/", {"book": 2}).status_code == 400
    assert rows() == before
    assert ask("patch", "/pages/1/", {"book": 1}).status_code == 200


def test_a_new_row_is_the_callers(ask):
    for where in ("/pages/1/", "/pages-by-function/1/"):
        ask("post", where, {"title": "new", "author": 1})
    assert ask("post", "/pages/1/", {"title": "new"}).json()["author"] == 1
    assert ask("post", "/pages/1/", [{"title": "new"}, {"title": "new"}]).status_code == 201
    assert Page.objects.filter(title="new", author=1).count() == 5


def test_what_an_own_dispatch_leaves_unasked_is_refused(ask):
    for pk in (1, 2):
        refused = ask("get", f"/own-dispatch/{pk}/")
        assert (refused.status_code, refused.json()["code"]) == (403, "unchecked_object")


def test_what_a_stream_saves_is_held_to_the_rule(ask):
    response = ask("post", "/streamed/2/", {})

    async def read():
        return [part async for part in response]

    with pytest.raises(Exception, match="not yours"):
        async_to_sync(read)()
    assert Page.objects.get(pk=1).title == "streamed"
    assert Page.objects.get(pk=2).title == "his"


@pytest.mark.parametrize("where", ["/pages/1/", "/own-get-object/1/", "/function/1/"])
def test_who_may_not_gets_401_or_403_and_nothing_happens(where, django_user_model, people):
    before = rows()
    client = AsyncClient()
    assert async_to_sync(client.delete)(where).status_code in (401, 403)
    assert async_to_sync(client.post)(where, {}).status_code in (401, 403)
    client.force_login(django_user_model.objects.get(username="bob"), BACKEND)
    refused = async_to_sync(client.get)(where)
    assert (refused.status_code, refused.json()["code"]) == (403, "insufficient_scope")
    assert rows() == before
    assert Comment.objects.count() == 2
