"""Connections go to the public internet alone, whatever a name says a moment later."""

from __future__ import annotations

import http.server
import socket
import threading
import urllib.error

import pytest

from api_guard import connections
from api_guard.connections import (
    NotPublicError,
    create_public_connection,
    public_addresses,
    public_opener,
)

PUBLIC = "93.184.215.14"


@pytest.fixture
def server():
    """A server of this machine, and the paths it was asked for."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            asked.append(self.path)
            target = self.path.partition("?to=")[2]
            self.send_response(302 if target else 200)
            if target:
                self.send_header("Location", target)
            self.end_headers()

        def log_message(self, *args):
            pass

    asked = []
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as running:
        thread = threading.Thread(target=running.serve_forever)
        thread.start()
        yield running.server_address[1], asked
        running.shutdown()
        thread.join()


@pytest.fixture
def names(monkeypatch):
    """Answer for names, each question with the next of its answers."""
    answers = {}

    def getaddrinfo(host, port, *args, **kwargs):
        found = answers[host]
        addresses = found.pop(0) if len(found) > 1 else found[0]
        if not addresses:
            raise socket.gaierror(socket.EAI_NONAME, "no such name")
        return [
            (
                socket.AF_INET6 if ":" in address else socket.AF_INET,
                socket.SOCK_STREAM,
                6,
                "",
                (address, port),
            )
            for address in addresses
        ]

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    return answers


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "::1", "0.0.0.0", "2130706433"])
def test_this_machine_is_not_connected_to(server, host):
    port, asked = server
    with pytest.raises(NotPublicError, match="not on the public internet"):
        create_public_connection((host, port))
    with pytest.raises((urllib.error.URLError, NotPublicError)):
        public_opener().open(f"http://{f'[{host}]' if ':' in host else host}:{port}/")
    assert asked == []


@pytest.mark.parametrize(
    "addresses",
    [["127.0.0.1"], [PUBLIC, "10.0.0.1"], ["fe80::1%eth0"], ["::ffff:127.0.0.1"], ["fd00::1"]],
)
def test_a_name_is_refused_if_any_of_its_addresses_is_not_public(names, addresses):
    names["rebind.example"] = [addresses]
    with pytest.raises(NotPublicError):
        public_addresses("rebind.example", 80)


def test_a_name_without_an_address_is_an_ordinary_error(names):
    names["nowhere.example"] = [[]]
    with pytest.raises(socket.gaierror):
        create_public_connection(("nowhere.example", 80))


def test_what_is_connected_to_is_what_was_judged(server, names, monkeypatch):
    """A name answers with a public address once, and with this machine ever after."""
    port, asked = server
    names["rebind.example"] = [[PUBLIC], ["127.0.0.1"]]
    tried = []
    connect = socket.socket.connect

    def recorded(self, address):
        tried.append(address)
        if address[0] != "127.0.0.1":
            raise ConnectionRefusedError(address)
        return connect(self, address)

    monkeypatch.setattr(socket.socket, "connect", recorded)
    with pytest.raises(ConnectionRefusedError):
        create_public_connection(("rebind.example", port))
    assert tried == [(PUBLIC, port)]
    with pytest.raises(NotPublicError):
        create_public_connection(("rebind.example", port))
    assert asked == []


@pytest.fixture
def open_world(monkeypatch, names):
    """Take 127.0.0.1 for a public address, and no other of this machine."""
    judge = connections.is_public_address
    monkeypatch.setattr(
        connections, "is_public_address", lambda ip: str(ip) == "127.0.0.1" or judge(ip)
    )
    names["127.0.0.1"] = [["127.0.0.1"]]
    return names


def test_a_public_address_is_connected_to(server, open_world):
    port, asked = server
    with create_public_connection(("127.0.0.1", port), None, ("127.0.0.1", 0)) as connection:
        assert connection.gettimeout() == connections.TIMEOUT
        assert connection.getpeername()[1] == port
    with public_opener().open(f"http://127.0.0.1:{port}/a", timeout=3) as answer:
        assert answer.status == 200
    assert asked == ["/a"]


def test_the_next_address_is_tried_where_one_does_not_answer(server, open_world):
    port, _ = server
    with socket.create_server(("127.0.0.2", 0)) as closed:
        unused = closed.getsockname()
    assert unused
    open_world["two.example"] = [["127.0.0.1", "127.0.0.1"]]
    with create_public_connection(("two.example", port)) as connection:
        assert connection.getpeername()[1] == port


@pytest.mark.parametrize(
    "target", ["http://169.254.169.254/latest/meta-data", "http://10.0.0.1/", "http://[::1]/"]
)
def test_a_redirect_into_the_network_is_not_followed(server, open_world, target):
    port, asked = server
    host = target.split("/")[2].strip("[]")
    open_world[host] = [[host]]
    with pytest.raises((urllib.error.URLError, NotPublicError)):
        public_opener().open(f"http://127.0.0.1:{port}/?to={target}", timeout=3)
    assert len(asked) == 1


@pytest.mark.parametrize("url", ["file:///etc/passwd", "ftp://127.0.0.1/", "data:text/plain,x"])
def test_other_schemes_are_not_opened(url):
    with pytest.raises(urllib.error.URLError, match="unknown url type"):
        public_opener().open(url)


def test_https_is_held_as_well(names):
    names["private.example"] = [["192.168.0.1"]]
    with pytest.raises((urllib.error.URLError, NotPublicError), match="public internet"):
        public_opener().open("https://private.example/")


def test_a_proxy_of_the_environment_is_not_asked(server, open_world, monkeypatch):
    port, asked = server
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    with public_opener().open(f"http://127.0.0.1:{port}/direct", timeout=3) as answer:
        assert answer.status == 200
    assert asked == ["/direct"]
