"""A guarded view of adrf does exactly what it does without the guard, for a caller who may."""

from __future__ import annotations

import asyncio
import inspect
import sys
from dataclasses import dataclass
from functools import partialmethod, wraps
from typing import Any
from unittest.mock import patch

import adrf
import pytest
from adrf import generics, serializers, views, viewsets
from adrf.decorators import api_view
from asgiref.sync import async_to_sync, markcoroutinefunction, sync_to_async
from django.db import transaction
from django.db.models import F, Q
from django.http import HttpResponse, StreamingHttpResponse
from django.test import AsyncClient
from django.urls import path
from rest_framework import serializers as drf_serializers
from rest_framework.decorators import action
from rest_framework.exceptions import PermissionDenied, ValidationError
from rest_framework.filters import OrderingFilter, SearchFilter
from rest_framework.pagination import PageNumberPagination
from rest_framework.parsers import JSONParser
from rest_framework.response import Response
from rest_framework.routers import SimpleRouter

from api_guard import ANY_OBJECT, guard, unheld
from api_guard.access.coroutines import is_coroutine_method
from api_guard.access.vetting.awaiting import wrap_async_serializers
from tests.conftest import MODELS as BACKEND
from tests.objects.models import Audit, Book, Code, Comment, Document, LongPage, Page
from tests.test_transparency import MODELS, comparable, rows, seed

RW: dict[str, Any] = {"read": "notes:read", "write": "notes:write", "limits": {"top": "any"}}
CRUD = {
    "get": "aretrieve",
    "put": "aupdate",
    "patch": "partial_aupdate",
    "delete": "adestroy",
    "post": "acreate",
}


@dataclass
class Idiom:
    view: Any
    said: dict[str, Any]
    requests: tuple[tuple[Any, ...], ...]
    actions: dict[str, str] | None = None

    def routes(self, name):
        if isinstance(self.view, type):
            actions = [self.actions] if self.actions else []
            free = self.view.as_view(*actions)
            held = guard(**self.said)(self.view).as_view(*actions)
        else:
            free = api_view(["GET", "POST"])(self.view)
            held = guard(**self.said)(api_view(["GET", "POST"])(self.view))
        return [path(f"free/{name}/<int:pk>/", free), path(f"held/{name}/<int:pk>/", held)]


IDIOMS: dict[str, Idiom] = {}


def idiom(*requests, actions=None, **said):
    def register(view):
        IDIOMS[view.__name__] = Idiom(view, {**RW, **said}, requests, actions)
        return view

    return register


class PageSerializer(serializers.ModelSerializer):
    class Meta:
        model = Page
        fields = ["id", "title", "author", "book", "deleted", "views"]
        extra_kwargs = {"author": {"required": False}}


class TitleSerializer(serializers.ModelSerializer):
    class Meta:
        model = Page
        fields = ["id", "title"]


class SyncSerializer(drf_serializers.ModelSerializer):
    class Meta:
        model = Page
        fields = ["id", "title", "author"]
        extra_kwargs = {"author": {"required": False}}


class CommentSerializer(serializers.ModelSerializer):
    class Meta:
        model = Comment
        fields = ["id", "text", "page"]


class Pages(viewsets.ModelViewSet):
    queryset = Page.objects.all()
    serializer_class = PageSerializer


class OnPages(generics.GenericAPIView):
    queryset = Page.objects.all()
    serializer_class = PageSerializer


# Views of adrf as they come.

ALL = (
    ("get", 1),
    ("head", 1),
    ("options", 1),
    ("patch", 1, {"title": "x"}),
    ("put", 1, {"title": "y"}),
    ("delete", 1),
    ("get", 1),
)


@idiom(*ALL, actions=CRUD)
class WithoutRule(Pages):
    pass


@idiom(*ALL, actions=CRUD, owner="author")
class Stock(Pages):
    pass


@idiom(*ALL, actions=CRUD, objects=lambda caller: Q(author=caller.user_id))
class ByFunction(Pages):
    pass


@idiom(*ALL, actions=CRUD, owner="author", keep=ANY_OBJECT)
class KeepsAnything(Pages):
    pass


@idiom(*ALL, ("get", 2), owner="author")
class Generic(generics.RetrieveUpdateDestroyAPIView):
    serializer_class = PageSerializer

    def get_queryset(self):
        return Page.objects.filter(author=self.request.user)


@idiom(("get", 1), ("post", 1, {"title": "new", "author": 1}), ("post", 1, {}), owner="author")
class ListCreate(generics.ListCreateAPIView):
    serializer_class = PageSerializer
    filter_backends = [SearchFilter, OrderingFilter]
    search_fields = ["title"]
    pagination_class = type("Pages", (PageNumberPagination,), {"page_size": 1})

    def get_queryset(self):
        return Page.objects.filter(author=self.request.user)


@idiom(("get", 1), actions={"get": "alist"}, objects=lambda caller: Q(author=caller.user_id))
class ListedByFunction(Pages):
    def get_queryset(self):
        return Page.objects.filter(author=self.request.user)


@idiom(*ALL[:6], ("post", 1, {"title": "new", "author": 1}), actions=CRUD, owner="author")
class WithSyncSerializer(Pages):
    """adrf's generic views need an asave(); DRF's serializers have none."""

    serializer_class = SyncSerializer

    async def perform_acreate(self, serializer):
        await sync_to_async(serializer.save)()

    perform_aupdate = perform_acreate


@idiom(("post", 1, {"title": "new"}), ("patch", 1, {"title": "x"}), actions=CRUD, owner="author")
class SavedFor(Pages):
    async def perform_acreate(self, serializer):
        await serializer.asave(author=self.request.user)


@idiom(
    ("post", 1, [{"title": "a", "author": 1}, {"title": "b", "author": 1}]),
    ("post", 1, [{"title": "a", "author": 1}]),
    actions=CRUD,
    owner="author",
)
class Many(Pages):
    parser_classes = [JSONParser]

    def get_serializer(self, *args, **kwargs):
        return super().get_serializer(*args, many=isinstance(kwargs.get("data"), list), **kwargs)


@idiom(
    ("post", 1, [{"title": "a", "author": 1}, {"title": "b", "author": 1}]),
    actions=CRUD,
    objects=lambda caller: Q(author=caller.user_id),
)
class ManyByFunction(Many):
    pass


class DocumentSerializer(serializers.ModelSerializer):
    class Meta:
        model = Document
        fields = ["id", "title", "members"]


@idiom(
    ("post", 1, {"title": "new", "members": [1, 2]}),
    ("patch", 1, {"members": [2, 1]}),
    ("get", 1),
    actions=CRUD,
    owner="members",
    related={"members": ANY_OBJECT},
)
class ManyOwners(viewsets.ModelViewSet):
    queryset = Document.objects.all()
    serializer_class = DocumentSerializer


class LongSerializer(serializers.ModelSerializer):
    class Meta:
        model = LongPage
        fields = ["id", "title", "text", "author"]
        extra_kwargs = {"author": {"required": False}}


@idiom(
    ("get", 5),
    ("patch", 5, {"text": "x"}),
    ("delete", 5),
    ("post", 1, {"title": "t", "text": "x", "author": 1}),
    actions=CRUD,
    objects=lambda caller: Q(author=caller.user_id),
)
class OfAChild(viewsets.ModelViewSet):
    queryset = LongPage.objects.all()
    serializer_class = LongSerializer


# Hooks of the project's own.


@idiom(("get", 1), ("patch", 1, {"title": "x"}), ("delete", 1), actions=CRUD, owner="author")
class OwnAsyncGetObject(Pages):
    async def aget_object(self):
        return await Page.objects.aget(pk=self.kwargs["pk"], author=self.request.user)


@idiom(("get", 1), ("post", 1), owner="author")
class GetObjectIsACoroutine(OnPages):
    async def get_object(self):
        return await Page.objects.aget(pk=self.kwargs["pk"])

    async def get(self, request, pk):
        return Response(await self.get_serializer(await self.get_object()).adata)

    async def post(self, request, pk):
        page = await self.get_object()
        page.title = "changed"
        await page.asave(update_fields=["title"])
        return Response(page.title)


@idiom(("get", 1), ("get", 2), owner="author")
class GetQuerysetIsACoroutine(OnPages):
    async def get_queryset(self):
        titles = [page.title async for page in Page.objects.filter(author=self.request.user)]
        return Page.objects.filter(title__in=titles)

    async def get(self, request, pk):
        queryset = await self.afilter_queryset(await self.get_queryset())
        return Response([page.title async for page in queryset])


@idiom(("get", 1), actions={"get": "alist"}, owner="author")
class OwnAsyncFilter(Pages):
    async def afilter_queryset(self, queryset):
        queryset = await super().afilter_queryset(queryset)
        return queryset.filter(author=self.request.user)


class TitleFilter:
    async def filter_queryset(self, request, queryset, view):
        return queryset.filter(title="hers")

    def get_schema_operation_parameters(self, view):
        return []


@idiom(("get", 1), actions={"get": "alist"}, owner="author")
class AsyncFilterBackend(Pages):
    filter_backends = [TitleFilter]


@idiom(("get", 1), actions={"get": "peek"}, owner="author")
class Action(Pages):
    @action(detail=True, url_name="peeked")
    async def peek(self, request, pk):
        page = await self.aget_object()
        return Response([page.title, self.get.url_name, self.get.__name__, self.action])


@idiom(("get", 1), ("post", 1, {}), actions={**CRUD, "post": "sync"}, owner="author")
class SyncAction(Pages):
    @action(detail=True, methods=["post"])
    def sync(self, request, pk):
        page = self.get_object()
        page.title = "by a sync handler"
        page.save()
        return Response(page.title)


@idiom(("post", 1, {}), owner="author")
class CallsItself(OnPages):
    async def post(self, request, pk, again=True):
        if again:
            return await self.post(request, pk, again=False)
        return Response((await self.aget_object()).title)


@idiom(("get", 1), ("post", 1, {}), owner="author", model=Page)
async def move_page(request, pk):
    page = await Page.objects.aget(pk=pk, author=request.user)
    page.title = "moved"
    await page.asave()
    return Response(page.title)


@idiom(("get", 1), ("post", 1, {"a": 1}))
async def plain_function(request, pk):
    await asyncio.sleep(0)
    return Response({"data": request.data, "user": request.user.username})


@idiom(("get", 1), ("get", 0), ("delete", 1))
class PlainAnswer(views.APIView):
    async def get(self, request, pk):
        return HttpResponse("plain", status=200 if pk else 204)


# Serializers that a handler makes by itself.


@idiom(("get", 1), owner="author")
class ShowsByHand(OnPages):
    async def get(self, request, pk):
        found = Page.objects.filter(author=request.user)
        return Response(await PageSerializer(found, many=True).adata)


@idiom(("get", 1), owner="author")
class ShowsByGetSerializer(OnPages):
    async def get(self, request, pk):
        found = Page.objects.filter(author=request.user)
        return Response(await self.get_serializer(found, many=True).adata)


@idiom(("get", 1), owner="author")
class ShowsTwoAtOnce(OnPages):
    async def get(self, request, pk):
        page = await self.aget_object()
        comments = CommentSerializer(page.comments.all(), many=True)
        both = await asyncio.gather(PageSerializer(page).adata, comments.adata)
        return Response(both)


class WithOthers(serializers.ModelSerializer):
    others = serializers.SerializerMethodField()

    class Meta:
        model = Page
        fields = ["id", "others"]

    async def get_others(self, page):
        return await PageSerializer(Page.objects.exclude(pk=page.pk), many=True).adata


@idiom(("get", 1), owner="author")
class ShowsOthersInside(generics.RetrieveAPIView):
    queryset = Page.objects.all()
    serializer_class = WithOthers


class UpdatesInPlace(serializers.ModelSerializer):
    class Meta:
        model = Page
        fields = ["id", "title"]

    async def aupdate(self, page, validated):
        await Page.objects.filter(pk=page.pk).aupdate(**validated)
        await page.arefresh_from_db()
        return page


@idiom(("patch", 1, {"title": "x"}), actions=CRUD, owner="author")
class UpdatedInPlace(Pages):
    serializer_class = UpdatesInPlace


@idiom(("post", 1, {"text": "x", "page": 1}), owner="author")
class CommentBesides(OnPages):
    async def post(self, request, pk):
        await self.aget_object()
        serializer = CommentSerializer(data=request.data)
        await sync_to_async(serializer.is_valid)(raise_exception=True)
        await serializer.asave(author=request.user)
        return Response((await serializer.adata)["text"], status=201)


# What a handler does with the database.


@idiom(
    ("post", 1, {"secret": "no"}),
    ("post", 1, {"secret": "no"}),
    ("post", 1, {"secret": "yes"}),
    owner="user",
)
class OneTimeCode(generics.GenericAPIView):
    queryset = Code.objects.all()

    async def post(self, request, pk):
        code = await self.aget_object()
        await Code.objects.filter(pk=code.pk).aupdate(attempts=F("attempts") + 1)
        if request.data["secret"] != code.secret:
            raise ValidationError("wrong")
        return Response("right")


@idiom(("post", 1, {"text": "x"}), owner="author")
class AuditedRefusal(OnPages):
    async def post(self, request, pk):
        await self.aget_object()
        await Audit.objects.acreate(text="tried")
        raise PermissionDenied("not today")


@idiom(("post", 1, {"title": "A"}), ("post", 1, {"title": "A"}), owner="owner")
class GetOrCreate(generics.GenericAPIView):
    queryset = Book.objects.all()

    async def post(self, request, pk):
        book, is_new = await Book.objects.aget_or_create(
            title="A", defaults={"owner": request.user}
        )
        return Response({"title": book.title, "new": is_new})


@idiom(("post", 1, {}), owner="author")
class InBulk(OnPages):
    async def post(self, request, pk):
        pages = self.get_queryset().filter(author=request.user)
        await pages.aupdate(views=F("views") + 1)
        await Page.objects.abulk_create([Page(title="bulk", author=request.user)])
        await pages.filter(title="hers").adelete()
        return Response([title async for title in pages.values_list("title", flat=True)])


@idiom(("post", 1, {}), owner="author")
class InAThread(OnPages):
    async def post(self, request, pk):
        page = await sync_to_async(self.get_object)()

        @sync_to_async
        def rename():
            with transaction.atomic():
                page.title = "in a thread"
                page.save()
            return Page.objects.get(pk=pk).title

        return Response(await rename())


@idiom(("post", 1, {}), owner="author")
class AtOnce(OnPages):
    async def post(self, request, pk):
        page, seen = await asyncio.gather(self.aget_object(), self.get_queryset().acount())
        page.title = "at once"
        await asyncio.gather(page.asave(), Audit.objects.acreate(text="both"))
        return Response([page.title, seen > 0])


@idiom(("post", 1, {}), owner="author")
class CountsForAStranger(generics.GenericAPIView):
    queryset = Comment.objects.all()

    async def post(self, request, pk):
        await self.aget_object()
        async with unheld(Comment, why="the counter of the parent"):
            parent = await Comment.objects.aget(pk=2)
            parent.replies = F("replies") + 1
            await parent.asave(update_fields=["replies"])
        return Response("counted")


@idiom(("get", 1), ("post", 1, {}), owner="author")
class Streamed(OnPages):
    async def get(self, request, pk):
        pages = self.get_queryset().filter(author=request.user)

        async def titles():
            async for page in pages:
                yield page.title

        return StreamingHttpResponse(titles())

    async def post(self, request, pk):
        page = await self.aget_object()

        async def parts():
            for number in (1, 2):
                page.title = f"streamed {number}"
                await page.asave()
                yield page.title

        return StreamingHttpResponse(parts())


@idiom(("get", 1), ("post", 1, {}), owner="author")
class EmptySearch(OnPages):
    async def get(self, request, pk):
        return Response([])

    async def post(self, request, pk):
        request.session["page"] = (await self.aget_object()).pk
        await request.session.asave()
        return Response(await request.session.aget("page"))


def by_query(caller):
    """A rule that asks the database itself."""
    owned = Book.objects.filter(owner=caller.user_id).values_list("owner", flat=True)
    return Q(author__in=list(owned))


@idiom(*ALL[:3], ("patch", 1, {"title": "x"}), ("get", 1), actions=CRUD, objects=by_query)
class RuleThatAsks(Pages):
    pass


@idiom(("get", 1), ("post", 1, {}), objects=by_query)
class RuleThatAsksByHand(OnPages):
    async def get(self, request, pk):
        found = self.get_queryset().filter(author=request.user)
        return Response([page.title async for page in found])

    async def post(self, request, pk):
        page = await self.get_queryset().aget(pk=pk)
        page.title = "x"
        await page.asave()
        return Response(page.title)


routed = SimpleRouter()
routed.register("routed", guard(**RW, owner="author")(Pages), basename="routed")

urlpatterns = [
    *(route for name, each in IDIOMS.items() for route in each.routes(name)),
    *routed.urls,
]
pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.urls(__name__)]


@pytest.fixture(autouse=True)
def _exempt(settings):
    settings.API_GUARD = {**settings.API_GUARD, "EXEMPT": {__name__: "the control"}}


async def ask(client, name, side):
    answers = []
    for method, pk, *data in IDIOMS[name].requests:
        body = {"data": data[0], "content_type": "application/json"} if data else {}
        response = await getattr(client, method)(f"/{side}/{name}/{pk}/", **body)
        if response.streaming:
            answers.append((response.status_code, [part async for part in response]))
            continue
        try:
            content = comparable(response.json())
        except (ValueError, TypeError):
            content = response.content
        answers.append((response.status_code, content))
    return answers


def run(name, side, client, alice, bob):
    seed(alice, bob)
    result = async_to_sync(ask)(client, name, side), rows()
    for model in (Comment, LongPage, Page, Book, *MODELS):
        model.objects.all().delete()
    return result


def test_an_adrf_without_serializers_is_left_alone(monkeypatch):
    monkeypatch.delitem(sys.modules, "adrf.serializers")
    monkeypatch.setattr(adrf, "__path__", [])
    assert wrap_async_serializers() is None


def test_without_adrf_nothing_is_wrapped():
    with patch("api_guard.access.vetting.awaiting.find_spec", return_value=None):
        assert wrap_async_serializers() is None


@pytest.mark.slow
@pytest.mark.parametrize("name", IDIOMS)
def test_an_async_idiom_does_the_same_with_a_guard_and_without(django_user_model, give, name):
    alice = django_user_model.objects.create_user(pk=1, username="alice")
    bob = django_user_model.objects.create_user(pk=2, username="bob")
    give(alice, "notes:read", "notes:write")
    client = AsyncClient()
    client.force_login(alice, BACKEND)
    free = run(name, "free", client, alice, bob)
    held = run(name, "held", client, alice, bob)
    assert held == free
    assert all(status < 500 for status, _ in free[0])


class Methods:
    def plain(self): ...

    async def coroutine(self): ...

    @wraps(plain)
    def of_a_decorator(self): ...

    @wraps(plain)
    async def coroutine_of_a_decorator(self): ...

    marked = markcoroutinefunction(lambda self: None)
    static = staticmethod(plain)
    partial = partialmethod(coroutine)


@pytest.mark.parametrize("name", [name for name in vars(Methods) if not name.startswith("_")])
def test_a_coroutine_is_recognized_as_python_recognizes_it(name):
    method = getattr(Methods(), name)
    assert is_coroutine_method(method) == inspect.iscoroutinefunction(method)
