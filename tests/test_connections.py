"""Connections go to the public internet alone, whatever a name says a moment later."""

from __future__ import annotations

import contextlib
import datetime
import http.client
import http.server
import ipaddress
import socket
import ssl
import threading
import time
import tracemalloc
import urllib.error
import urllib.request

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from api_guard.connections import opening as connections
from api_guard.connections.opening import (
    NotPublicError,
    create_public_connection,
    public_addresses,
    public_opener,
)
from api_guard.connections.sockets import Download, TooLargeError

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
        # Without a download, only each step is limited.
        connection.sendall(b"GET /b HTTP/1.0\r\n\r\n")
        with connection.makefile("rb") as answer:
            assert answer.readline() == b"HTTP/1.0 200 OK\r\n"
    with public_opener().open(f"http://127.0.0.1:{port}/a", timeout=60) as answer:
        assert answer.status == 200
    assert asked == ["/b", "/a"]


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
        public_opener().open(f"http://127.0.0.1:{port}/?to={target}", timeout=60)
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
    with public_opener().open(f"http://127.0.0.1:{port}/direct", timeout=60) as answer:
        assert answer.status == 200
    assert asked == ["/direct"]


@pytest.fixture
def certificate(tmp_path):
    """The path of a key and a certificate for 127.0.0.1."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.datetime.now(datetime.UTC)
    address = x509.IPAddress(ipaddress.ip_address("127.0.0.1"))
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([address]), critical=False)
        .sign(key, hashes.SHA256())
    )
    path = tmp_path / "server.pem"
    path.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        + made.public_bytes(serialization.Encoding.PEM)
    )
    return path


# Newer versions of Python end a hundred answers of 100 themselves.
OF_MANY_100 = (
    http.client.HTTPException if hasattr(http.client, "_MAXINTERIMRESPONSES") else TooLargeError
)
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
HEAD = b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n"


@contextlib.contextmanager
def dripping(*, head=HEAD, context=None, then=b"x", pause=0.05):
    """Serve `head` at once, and then the same again and again, after a pause in seconds."""
    over = threading.Event()

    def serve(connection):
        with contextlib.suppress(OSError), connection:
            secured = context.wrap_socket(connection, server_side=True) if context else connection
            with secured:
                secured.recv(65_536)
                secured.sendall(head)
                while not over.wait(pause):
                    secured.sendall(then)

    def accept():
        with contextlib.suppress(OSError):
            while True:
                connection, _ = listener.accept()
                threads.append(threading.Thread(target=serve, args=[connection]))
                threads[-1].start()

    threads = []
    with socket.create_server(("127.0.0.1", 0)) as listener:
        accepting = threading.Thread(target=accept)
        accepting.start()
        try:
            yield listener.getsockname()[1]
        finally:
            over.set()
            listener.shutdown(socket.SHUT_RDWR)
            accepting.join()
            for thread in threads:
                thread.join()


def failure_of(url, opener):
    """Return what ends a download."""
    try:
        with opener.open(url, timeout=30) as answer:
            answer.read()
    except urllib.error.HTTPError as error:
        with error, pytest.raises(OSError) as caught:  # noqa: PT011  # the test looks at it
            error.read()
        return caught.value
    except urllib.error.URLError as error:
        return error.reason
    except (OSError, http.client.HTTPException) as error:
        return error
    raise AssertionError("it has an end")


def seconds_until_it_is_over(url, **options):
    start = time.monotonic()
    failure = failure_of(url, public_opener(**options))
    assert isinstance(failure, TimeoutError), failure
    return time.monotonic() - start


@pytest.mark.parametrize("head", [b"", HEAD])
def test_a_download_that_only_drips_ends_at_its_deadline(open_world, head):
    with dripping(head=head) as port:
        spent = seconds_until_it_is_over(f"http://127.0.0.1:{port}/", deadline=0.7)
    assert 0.6 < spent < 10


@pytest.mark.parametrize(
    ("head", "then"),
    [
        (CHUNKED, b"1\r\nx\r\n"),
        (CHUNKED + b"1;", b"x"),
        (CHUNKED, b"0"),
        (CHUNKED + b"0\r\n", b"X-Trailer: 1\r\n"),
        (b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
        (b"HTTP/1.1 200 OK\r\nX-Long: ", b"x"),
        (b"HTTP/1.0 200 OK\r\n\r\n", b"x"),
    ],
)
def test_whatever_part_of_an_answer_drips_it_ends_at_the_deadline(open_world, head, then):
    with dripping(head=head, then=then) as port:
        spent = seconds_until_it_is_over(f"http://127.0.0.1:{port}/", deadline=0.5)
    assert 0.4 < spent < 10


@pytest.mark.parametrize(
    ("head", "then", "error"),
    [
        (CHUNKED + b"ffffffffff\r\n", b"x" * 65_536, TooLargeError),
        (CHUNKED, b"fffff\r\n" + b"x" * 0xFFFFF + b"\r\n", TooLargeError),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\n", b"x" * 65_536, TooLargeError),
        (b"HTTP/1.1 200 OK\r\n\r\n", b"x" * 65_536, TooLargeError),
        (b"", b"HTTP/1.1 100 Continue\r\n\r\n" * 999, OF_MANY_100),
        (b"HTTP/1.1 404 Not Found\r\n\r\n", b"x" * 65_536, TooLargeError),
    ],
)
def test_an_answer_without_end_ends_at_its_number_of_bytes(open_world, head, then, error):
    tracemalloc.start()
    try:
        with dripping(head=head, then=then, pause=0) as port:
            caught = failure_of(
                f"http://127.0.0.1:{port}/", public_opener(deadline=600, max_bytes=2_000_000)
            )
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert type(caught) is error
    assert most < 12_000_000


def test_the_body_of_a_redirect_is_not_read(open_world):
    head = b"HTTP/1.1 302 Found\r\nLocation: /\r\n\r\n"
    with dripping(head=head, then=b"x" * 65_536, pause=0) as port:
        with pytest.raises(urllib.error.HTTPError, match="infinite loop") as caught:
            public_opener(deadline=600, max_bytes=10_000_000).open(f"http://127.0.0.1:{port}/")
        caught.value.close()


def test_an_answer_of_exactly_so_many_bytes_is_read(open_world):
    with dripping(then=b"x" * 1000) as port:
        url = f"http://127.0.0.1:{port}/"
        with public_opener(max_bytes=len(HEAD) + 1000).open(url) as answer:
            assert len(answer.read()) == 1000
        with (
            public_opener(max_bytes=len(HEAD) + 999).open(url) as answer,
            pytest.raises(TooLargeError, match="larger than its limit"),
        ):
            answer.read()


def test_a_download_over_tls_ends_at_its_deadline(open_world, certificate, monkeypatch):
    make = ssl.create_default_context
    monkeypatch.setattr(ssl, "create_default_context", lambda: make(cafile=str(certificate)))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    with dripping(context=context) as port:
        spent = seconds_until_it_is_over(f"https://127.0.0.1:{port}/", deadline=1.5)
        assert 1.4 < spent < 10
        with public_opener().open(f"https://127.0.0.1:{port}/", timeout=60) as answer:
            assert answer.read(3) == b"xxx"


def test_a_handshake_that_never_comes_ends_at_the_deadline(open_world):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        assert 0.4 < seconds_until_it_is_over(f"https://127.0.0.1:{port}/", deadline=0.5) < 10


def test_redirects_share_one_deadline(open_world):
    """Each answer comes in time, and all of them together do not."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            time.sleep(0.2)
            self.send_response(302)
            self.send_header("Location", f"{self.path}x")
            self.end_headers()

        def log_message(self, *args):
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as running:
        thread = threading.Thread(target=running.serve_forever)
        thread.start()
        url = f"http://127.0.0.1:{running.server_address[1]}/"
        try:
            assert 0.6 < seconds_until_it_is_over(url, deadline=0.7) < 10
        finally:
            running.shutdown()
            thread.join()


def test_a_name_that_is_not_resolved_in_time_is_given_up(monkeypatch):
    over = threading.Event()
    monkeypatch.setattr(socket, "getaddrinfo", lambda *args, **kwargs: over.wait(30) and [])
    try:
        assert 0.2 < seconds_until_it_is_over("http://slow.example/", deadline=0.3) < 10
    finally:
        over.set()


def test_a_name_that_there_is_not_is_the_error_that_it_is_without_a_deadline(names):
    names["nowhere.example"] = [[]]
    with pytest.raises(urllib.error.URLError) as caught:
        public_opener().open("http://nowhere.example/")
    assert isinstance(caught.value.reason, socket.gaierror)


def test_nothing_is_begun_after_the_deadline():
    with pytest.raises(TimeoutError, match="longer than its deadline"):
        create_public_connection(("127.0.0.1", 1), download=Download(-1))


def test_a_request_that_is_asked_again_has_all_of_its_time_again(server, open_world):
    port, asked = server
    opener = public_opener(deadline=2)
    req = urllib.request.Request(f"http://127.0.0.1:{port}/again", data=b"a=1", method="GET")
    for _ in range(2):
        with opener.open(req, timeout=60) as answer:
            assert answer.status == 200
        time.sleep(1.1)
    with opener.open(f"http://127.0.0.1:{port}/?to=/elsewhere") as answer:
        assert answer.status == 200
    assert asked == ["/again", "/again", "/?to=/elsewhere", "/elsewhere"]
