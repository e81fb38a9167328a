"""Guarded views of adrf under a real server, where each request has threads of its own."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPConnection

import pytest

pytest.importorskip("uvicorn")


@pytest.fixture(scope="module")
def ask(tmp_path_factory):
    """Ask a server that listens already: who connects before it has started waits."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        descriptor, port = listening.fileno(), listening.getsockname()[1]
        database = tmp_path_factory.mktemp("uvicorn") / "db.sqlite3"
        server = subprocess.Popen(
            [sys.executable, "-m", "tests.async_site", str(descriptor), str(database)],
            pass_fds=[descriptor],
        )

        def ask(method, where, name=None, data=None):
            connection = HTTPConnection("127.0.0.1", port, timeout=60)
            headers = {"Content-Type": "application/json"}
            if name is not None:
                headers["Authorization"] = f"Bearer token-of-{name}"
            body = None if data is None else json.dumps(data)
            try:
                connection.request(method, where, body, headers)
                response = connection.getresponse()
                return response.status, response.read().decode()
            finally:
                connection.close()

        try:
            yield ask
        finally:
            server.terminate()
            server.wait(20)


def test_who_may_gets_what_the_unguarded_view_gives(ask):
    for method, where, data in [
        ("GET", "notes/1/", None),
        ("PATCH", "notes/1/", {"title": "changed"}),
        ("GET", "notes/1/", None),
        ("POST", "notes/", {"title": "new"}),
        ("POST", "streamed/1/", {}),
        ("PATCH", "notes/1/", {"title": []}),
        ("GET", "notes/9/", None),
        ("PUT", "notes/1/", {}),
    ]:
        free = ask(method, f"/free/{where}", "alice", data)
        assert ask(method, f"/held/{where}", "alice", data) == free, (method, where)
        assert free[0] < 500


def test_who_may_not_is_refused_and_nothing_is_stored(ask):
    before = ask("GET", "/free/notes/", "alice")
    assert ask("GET", "/held/notes/1/")[0] == 401
    assert ask("GET", "/held/notes/1/", "nobody")[0] == 401
    assert ask("GET", "/held/notes/3/", "carol")[0] == 403
    assert ask("POST", "/held/notes/", "carol", {"title": "x"})[0] == 403
    assert ask("GET", "/held/notes/2/", "alice")[0] == 404
    assert ask("PATCH", "/held/notes/2/", "alice", {"title": "taken"})[0] == 404
    assert ask("DELETE", "/held/notes/2/", "alice")[0] == 404
    status, body = ask("PATCH", "/held/notes/1/", "alice", {"author": 2})
    assert (status, json.loads(body)["code"]) == (403, "outside_your_objects")
    assert ask("GET", "/free/notes/", "alice") == before


def test_what_a_stream_saves_is_held_to_the_rule(ask):
    before = ask("GET", "/free/notes/2/", "bob")
    # The status was sent by then: the answer breaks off before its first part.
    with pytest.raises(OSError, match="IncompleteRead"):
        _read(ask, "/held/streamed/2/", "alice")
    assert ask("GET", "/free/notes/2/", "bob") == before


def _read(ask, where, name):
    from http.client import IncompleteRead

    try:
        return ask("POST", where, name, {})
    except IncompleteRead as error:
        raise OSError(repr(error)) from error


@pytest.mark.parametrize("view", ["function", "in-a-thread", "class"])
def test_plain_views_answer_each_caller_of_its_own_and_refuse_the_others(ask, view):
    where = f"/plain/{view}/"
    assert [ask("GET", where, name)[0] for name in (None, "nobody", "carol")] == [401, 401, 403]

    def answer(number):
        name, own = [("alice", 1), ("bob", 2)][number % 2]
        status, body = ask("GET", where, name)
        said = json.loads(body)
        return status, said["user"] == name, set(said.get("authors", [own])) == {own}

    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(answer, range(40))) == {(200, True, True)}
    status, body = ask("POST", where, "alice", {"title": "x"})
    assert status == (405 if view == "class" else 200)
    assert view == "class" or json.loads(body)["sent"] == len('{"title": "x"}')


def test_callers_at_once_get_each_their_own(ask):
    def answer(number):
        name, own, other = [("alice", 1, 2), ("bob", 2, 1)][number % 2]
        authors = {row["author"] for row in json.loads(ask("GET", "/held/notes/", name)[1])}
        return authors == {own}, ask("GET", f"/held/notes/{other}/", name)[0]

    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(answer, range(60))) == {(True, 404)}
