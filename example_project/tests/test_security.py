"""The API is closed, also if something fails, and no user reaches objects of another one."""

import pytest

from api_guard.testing import (
    assert_every_endpoint_guarded,
    assert_no_endpoint_leaks,
    assert_no_fault_opens,
    assert_no_object_leaks,
)
from example_project.notes.models import Note, Notebook

pytestmark = pytest.mark.django_db
FACTORIES = {
    Note: lambda user: Note.objects.create(author=user, title="A note"),
    Notebook: lambda user: Notebook.objects.create(owner=user, title="A notebook"),
}


def test_every_endpoint_is_guarded():
    assert_every_endpoint_guarded()


def test_no_handler_is_reached_without_a_grant():
    assert_no_endpoint_leaks()


def test_nothing_opens_when_the_database_or_the_cache_is_down():
    assert_no_fault_opens()


def test_no_user_reaches_objects_of_another_one():
    assert_no_object_leaks(FACTORIES)


def test_a_reader_reads_and_does_not_write(scoped_client, alice):
    client = scoped_client("notes:read", user=alice)
    assert client.get("/notes/").status_code == 200
    assert client.post("/notes/", {"title": "x"}, format="json").status_code == 403


def test_a_token_without_a_grant_is_refused(access_token, alice, client):
    token = access_token("notes:read", user=alice)
    answer = client.get("/notes/", headers={"Authorization": f"Bearer {token.token}"})
    assert answer.json()["code"] == "insufficient_scope"


def test_the_api_answers_503_without_its_database(scoped_client, alice, request):
    client = scoped_client("notes:read", user=alice)
    request.getfixturevalue("broken_database")
    assert client.get("/notes/").status_code == 503
