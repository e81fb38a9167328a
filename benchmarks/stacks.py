"""What is compared: views without anything, the peers' stack, and the guard; and its callers."""

from __future__ import annotations

from datetime import timedelta
from io import BytesIO

from django.contrib.auth import get_user_model
from django.core.handlers.wsgi import WSGIHandler
from django.test import override_settings
from django.urls import include, path
from django.utils import timezone
from oauth2_provider.contrib.rest_framework import OAuth2Authentication as ToolkitAuthentication
from oauth2_provider.contrib.rest_framework import TokenHasScope
from oauth2_provider.models import AccessToken, Application
from rest_framework.response import Response
from rest_framework.throttling import UserRateThrottle
from rest_framework.views import APIView

from api_guard import grants, guard
from benchmarks.settings import DJANGO_MIDDLEWARE

SCOPES = ("notes:read", "notes:write")
RATES = ("1000000/h", "1000000/d", "1000000/m")


class Answer(APIView):
    def get(self, request):
        return Response("answer")


class Bare(Answer):
    authentication_classes = []
    permission_classes = []


class Waiting(Bare):
    """Waits for what a guarded request waits for, and does nothing else: see benchmarks.floor."""

    waits = ()

    def get(self, request):
        for wait in self.waits:
            wait()
        return super().get(request)


class Throttle(UserRateThrottle):
    rate = RATES[0]


class Peers(Answer):
    """django-oauth-toolkit, and one throttle of DRF."""

    authentication_classes = [ToolkitAuthentication]
    permission_classes = [TokenHasScope]
    required_scopes = ["notes:read"]
    throttle_classes = [Throttle]


@guard(read="notes:read")
class Guarded(Answer):
    pass


@guard(read="notes:read", throttle=RATES)
class GuardedWithRates(Answer):
    pass


STACKS = {
    "bare DRF": ("/bare", False),
    "its two waits": ("/waits", False),
    "peers, 1 rate": ("/peers", False),
    "guard": ("/guard", True),
    "guard, 3 rates": ("/rates", True),
}
# Other endpoints, as a large site has them.
MANY = [
    path(f"{number}", guard(read="notes:read")(type(f"Other{number}", (Answer,), {})).as_view())
    for number in range(2000)
]
urlpatterns = [
    path("bare", Bare.as_view()),
    path("waits", Waiting.as_view()),
    path("peers", Peers.as_view()),
    path("guard", Guarded.as_view()),
    path("rates", GuardedWithRates.as_view()),
    path("others/", include(MANY)),
]


def seed(name="bench"):
    """Return the token of a user that, as its client, has two grants."""
    users = get_user_model()._default_manager
    users.filter(username=name).delete()
    user = users.create_user(name)
    client = Application.objects.create(
        name=name, user=user, client_type="public", authorization_grant_type="authorization-code"
    )
    for grantee in (user, client):
        for scope in SCOPES:
            grants.grant(scope, grantee, by=grants.System("the benchmark"))
    AccessToken.objects.create(
        user=user,
        application=client,
        scope=" ".join((*SCOPES, "read")),
        token=name,
        expires=timezone.now() + timedelta(days=1),
    )
    return name


class Stack:
    """A WSGI application of Django, which is called as a server calls it."""

    def __init__(self, url, token, *, is_guarded):
        if is_guarded:
            self.application = WSGIHandler()
        else:
            with override_settings(MIDDLEWARE=DJANGO_MIDDLEWARE):
                self.application = WSGIHandler()
        self.environ = {
            "REQUEST_METHOD": "GET",
            "PATH_INFO": url,
            "SCRIPT_NAME": "",
            "QUERY_STRING": "",
            "SERVER_NAME": "localhost",
            "SERVER_PORT": "8000",
            "SERVER_PROTOCOL": "HTTP/1.1",
            "REMOTE_ADDR": "192.0.2.1",
            "HTTP_HOST": "localhost:8000",
            "HTTP_ACCEPT": "application/json",
            "HTTP_USER_AGENT": "bench",
            "HTTP_AUTHORIZATION": f"Bearer {token}",
            "CONTENT_LENGTH": "",
            "CONTENT_TYPE": "",
            "wsgi.version": (1, 0),
            "wsgi.url_scheme": "http",
            "wsgi.errors": BytesIO(),
            "wsgi.multithread": True,
            "wsgi.multiprocess": True,
            "wsgi.run_once": False,
        }

    def __call__(self):
        """Answer one request, to its last byte."""
        response = self.application({**self.environ, "wsgi.input": BytesIO()}, self._start)
        for _ in response:
            pass
        response.close()

    def _start(self, status, headers, exc_info=None):
        if not status.startswith("200"):
            raise AssertionError(status)


def stacks(token):
    """Return what is compared, by name."""
    return {
        name: Stack(url, token, is_guarded=is_guarded) for name, (url, is_guarded) in STACKS.items()
    }
