"""Views of adrf, guarded and not, to serve by uvicorn: `python -m tests.async_site FD DATABASE`."""

from __future__ import annotations

import asyncio
import os
import sys
from datetime import timedelta

import django

if __name__ == "__main__":
    os.environ["DATABASE_URL"] = f"sqlite:///{sys.argv[2]}"
    os.environ["DJANGO_SETTINGS_MODULE"] = "tests.settings"
    from tests import settings

    settings.ROOT_URLCONF = "tests.async_site"
    settings.API_GUARD["EXEMPT"] = {"tests.async_site": "the control"}
    django.setup()

from adrf import serializers, views, viewsets
from django.http import JsonResponse, StreamingHttpResponse
from django.urls import path
from django.views import View

from api_guard import guard
from tests.models import Note

CRUD = {"get": "aretrieve", "patch": "partial_aupdate", "delete": "adestroy"}
own = guard(read="notes:read", write="notes:write", owner="author", model=Note)


class NoteSerializer(serializers.ModelSerializer):
    class Meta:
        model = Note
        fields = ["title", "author"]
        extra_kwargs = {"author": {"required": False}}


class Notes(viewsets.ModelViewSet):
    queryset = Note.objects.all()
    serializer_class = NoteSerializer

    async def perform_acreate(self, serializer):
        await serializer.asave(author=self.request.user)


class Streamed(views.APIView):
    async def post(self, request, pk):
        async def parts():
            note = await Note.objects.aget(pk=pk)
            for number in (1, 2, 3):
                note.title = f"part {number}"
                await note.asave()
                yield f"{note.title}\n"

        return StreamingHttpResponse(parts())


plain = guard(read="notes:read", write="notes:write")


async def told(request):
    """Who asks, after others have asked meanwhile."""
    await asyncio.sleep(0.01)
    found = Note.objects.filter(author=await request.auser()).values_list("author", flat=True)
    authors = [author async for author in found]
    return JsonResponse({"user": str(request.user), "authors": authors, "sent": len(request.body)})


@plain
async def function(request):
    return await told(request)


@plain
def in_a_thread(request):
    return JsonResponse({"user": str(request.user), "sent": len(request.body)})


@plain
class Class(View):
    async def get(self, request):
        return await told(request)


def routes(side, notes, streamed):
    return [
        path(f"{side}/notes/", notes.as_view({"get": "alist", "post": "acreate"})),
        path(f"{side}/notes/<int:pk>/", notes.as_view(CRUD)),
        path(f"{side}/streamed/<int:pk>/", streamed.as_view()),
    ]


urlpatterns = routes("free", Notes, Streamed) + routes("held", own(Notes), own(Streamed))
urlpatterns += [
    path("plain/function/", function),
    path("plain/in-a-thread/", in_a_thread),
    path("plain/class/", Class.as_view()),
]


def fill():
    """Give alice and bob a token and a note each, of the same number."""
    from django.contrib.auth import get_user_model
    from django.core.management import call_command
    from django.utils import timezone
    from oauth2_provider.models import AccessToken, Application

    from api_guard import grants

    call_command("migrate", verbosity=0)
    client = Application.objects.create(
        client_type="confidential", authorization_grant_type="client-credentials"
    )
    scopes = ("notes:read", "notes:write")
    for scope in scopes:
        grants.grant(scope, client, by=grants.System("a test"))
    for number, name in enumerate(("alice", "bob", "carol"), start=1):
        user = get_user_model().objects.create_user(pk=number, username=name)
        Note.objects.create(pk=number, title=name, author=user)
        AccessToken.objects.create(
            user=user,
            application=client,
            scope=" ".join(scopes),
            token=f"token-of-{name}",
            expires=timezone.now() + timedelta(hours=1),
        )
        if name != "carol":
            for scope in scopes:
                grants.grant(scope, user, by=grants.System("a test"))


if __name__ == "__main__":
    import uvicorn

    from api_guard.asgi import get_asgi_application

    fill()
    uvicorn.run(get_asgi_application(), fd=int(sys.argv[1]), lifespan="off", log_level="error")
