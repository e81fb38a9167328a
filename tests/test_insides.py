"""No error tells a client of a stack trace, of SQL or of a path."""

from __future__ import annotations

import pytest
from django.db import DatabaseError, OperationalError, connection
from django.urls import path
from rest_framework import serializers
from rest_framework.renderers import BrowsableAPIRenderer
from rest_framework.response import Response
from rest_framework.views import APIView

from api_guard import PUBLIC, guard
from api_guard.authentication import OAuth2Authentication
from api_guard.renderers import JSONRenderer
from tests.hostile.models import Thing
from tests.insides import insides_in

pytestmark = [pytest.mark.django_db, pytest.mark.urls(__name__)]

SECRETS = 'SELECT "secret" FROM "vault"; File "/srv/app/vault.py", line 7, in open'


class Title(serializers.Serializer):
    title = serializers.CharField()


class Fails(APIView):
    authentication_classes = [OAuth2Authentication]
    renderer_classes = [JSONRenderer, BrowsableAPIRenderer]

    def get(self, request):
        return Response("in")

    def post(self, request, kind):
        getattr(self, kind)(request.data)

    def bug(self, data):
        raise RuntimeError(SECRETS)

    def sql(self, data):
        with connection.cursor() as cursor:
            cursor.execute("SELECT secret FROM vault")

    def value(self, data):
        Thing.objects.create(title=data["title"], slug="tea", count=data["count"])

    def database(self, data):
        raise OperationalError(SECRETS)

    def deep(self, data):
        return self.deep(data)


urlpatterns = [
    path("open/<kind>", guard(write=PUBLIC, read=PUBLIC)(type("Open", (Fails,), {})).as_view()),
    path("shut", guard(read="notes:read")(type("Shut", (Fails,), {})).as_view()),
]


def test_the_words_are_found_where_they_stand():
    for text in (
        SECRETS,
        "Traceback (most recent call last):",
        'no such table: "vault" (sqlite3.OperationalError)',
        "UPDATE vault SET secret = 1",
        "ValueError: no",
        __file__,
    ):
        assert insides_in(text)
    assert insides_in('{"detail": "A key stands twice in one object."}') is None


@pytest.mark.parametrize(
    ("kind", "status"),
    [("bug", 500), ("sql", 500), ("value", 400), ("database", 500), ("deep", 500)],
)
@pytest.mark.parametrize("accept", ["application/json", "text/html"])
def test_what_breaks_in_a_handler_is_told_to_the_log_alone(client, caplog, kind, status, accept):
    client.raise_request_exception = False
    body = {"title": "tea", "count": 2**70}
    response = client.post(f"/open/{kind}", body, "application/json", HTTP_ACCEPT=accept)
    assert response.status_code == status
    assert insides_in(response.content.decode()) is None
    assert caplog.records


@pytest.mark.parametrize("fault", [OperationalError(SECRETS), DatabaseError(SECRETS)])
def test_a_database_that_is_down_is_a_503_that_says_no_more(client, issue, alice, caplog, fault):
    token = issue("notes:read", user=alice).token

    def fails(*_):
        raise fault

    with connection.execute_wrapper(fails):
        response = client.get("/shut", HTTP_AUTHORIZATION=f"Bearer {token}")
    assert response.status_code == 503
    assert insides_in(response.content.decode()) is None
    assert caplog.records


@pytest.mark.parametrize(
    "body",
    [b"{", b"\xff", b'{"a": 1, "a": 2}', b"1" * 5000, b"[" * 5000, b'"\\ud800"', b'{"a": NaN}'],
)
def test_what_cannot_be_read_is_a_400_in_words_for_a_client(client, body):
    response = client.post("/open/value", body, "application/json")
    assert response.status_code == 400
    assert insides_in(response.content.decode()) is None
