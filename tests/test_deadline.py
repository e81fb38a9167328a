"""A question to the introspection endpoint has one deadline, whichever part of it is slow."""

from __future__ import annotations

import datetime
import json
import os
import re
import socket
import ssl
import threading
import time
from contextlib import contextmanager, suppress
from unittest.mock import patch

import pytest
import urllib3
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from django.urls import path
from rest_framework.response import Response
from rest_framework.views import APIView

from api_guard import PUBLIC, guard
from api_guard.authentication import IntrospectionAuthentication
from api_guard.tokens import introspection
from api_guard.tokens.deadline import pool_manager, within
from tests.servers import REDIS, TIMEOUT

pytestmark = [pytest.mark.urls(__name__), pytest.mark.django_db]

SECONDS = 1
BODY = json.dumps({"active": False}).encode()
WHOLE = re.compile(rb"POST .*?Content-Length: (\d+).*?\r\n\r\n", re.DOTALL | re.IGNORECASE)
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(
    BODY
)


@guard(read=PUBLIC)
class Show(APIView):
    authentication_classes = [IntrospectionAuthentication]

    def get(self, request):
        return Response()


urlpatterns = [path("show", Show.as_view())]


class Peer:
    """Listens, and says to each connection what `say` yields, with a pause after each piece."""

    def __init__(self, say, pause=0.0, wrap=lambda connection: connection):
        self.say, self.pause, self.wrap = say, pause, wrap
        self.connections = self.questions = 0
        self.is_open = True
        self.listening = socket.create_server(("127.0.0.1", 0))
        self.port = self.listening.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                connection, _ = self.listening.accept()
            except OSError:
                return
            self.connections += 1
            if not self.is_open:
                connection.close()
                continue
            threading.Thread(target=self._serve, args=[connection], daemon=True).start()

    def _serve(self, connection):
        with suppress(OSError), self.wrap(connection) as wrapped:
            while read_whole(wrapped) and self.is_open:
                self.questions += 1
                for piece in self.say():
                    wrapped.sendall(piece)
                    time.sleep(self.pause)

    def close(self):
        self.listening.close()


def read_whole(connection):
    """Read one request, its body too, which comes by itself; b"" where there is none."""
    data = b""
    while not (found := WHOLE.match(data)) or len(data) - found.end() < int(found[1]):
        piece = connection.recv(65536)
        if not piece:
            return b""
        data += piece
    return data


@contextmanager
def peer(*args, **kwargs):
    found = Peer(*args, **kwargs)
    try:
        yield found
    finally:
        found.close()


def dripped(data):
    return lambda: (bytes([byte]) for byte in data)


def continues():
    while True:
        yield b"HTTP/1.1 100 Continue\r\n\r\n"


def fields():
    yield b"HTTP/1.1 200 OK\r\n"
    for number in range(90):
        yield b"X-%d: y\r\n" % number


SLOW = {
    "status line": dripped(HEAD + BODY),
    "headers": fields,
    "continues": continues,
    "body": lambda: [HEAD, *(bytes([byte]) for byte in BODY * 9)],
    "chunks": lambda: [
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
        *[b"1\r\n \r\n"] * 99,
    ],
    "silence": lambda: iter([b""] * 99),
}


@pytest.fixture
def ask(api, settings):
    """Send a request whose token is asked about at `port`; return its status and its seconds."""

    def ask(port, scheme="http", host="127.0.0.1"):
        settings.API_GUARD = {
            **settings.API_GUARD,
            "INTROSPECTION": {
                "URL": f"{scheme}://{host}:{port}/introspect",
                "CLIENT_ID": "c",
                "CLIENT_SECRET": "s",
                "ISSUER": "https://auth.example",
                "TIMEOUT": SECONDS,
            },
        }
        began = time.monotonic()
        answer = api.by_token("remote").get("/show")
        return answer.status_code, time.monotonic() - began

    yield ask
    introspection._pool.clear()


def is_in_time(seconds):
    # A busy machine takes its time; what drips takes eight seconds and more.
    return SECONDS - 0.2 < seconds < SECONDS + 4


@pytest.mark.parametrize("part", SLOW)
def test_whatever_is_dripped_the_answer_comes_in_time(ask, part):
    with peer(SLOW[part], pause=0.1) as slow:
        status, seconds = ask(slow.port)
    assert (status, is_in_time(seconds)) == (503, True), seconds


def test_a_handshake_that_is_not_answered_ends_in_time(ask):
    with peer(lambda: iter([])) as silent:
        status, seconds = ask(silent.port, "https")
    assert (status, is_in_time(seconds)) == (503, True), seconds


def test_several_addresses_share_the_time(ask):
    # 192.0.2.0/24 (RFC 5737) answers nobody.
    addresses = [
        (socket.AF_INET, socket.SOCK_STREAM, 6, "", (f"192.0.2.{number}", 80))
        for number in range(1, 6)
    ]
    with patch("api_guard.tokens.deadline.socket.getaddrinfo", return_value=addresses):
        status, seconds = ask(80, host="many.example")
    assert status == 503
    assert seconds < SECONDS + 3


def test_a_name_without_an_address_is_503(ask):
    with patch("api_guard.tokens.deadline.socket.getaddrinfo", return_value=[]):
        assert ask(80, host="none.example")[0] == 503


def test_a_connection_is_kept_and_has_a_new_deadline_for_each_question(ask):
    with peer(lambda: [HEAD, BODY], pause=0.3) as kept:
        for _ in range(3):
            status, seconds = ask(kept.port)
            assert (status, seconds < SECONDS) == (401, True)
    assert (kept.connections, kept.questions) == (1, 3)


def test_an_answer_that_ends_with_its_connection_is_read(ask):
    said = [b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n", BODY]
    with peer(lambda: iter(said)) as closing:
        closing.wrap = lambda connection: Closing(connection)
        assert ask(closing.port)[0] == 401


class Closing:
    """Reads one question, answers it, and hangs up."""

    def __init__(self, connection):
        self.connection, self.has_answered = connection, False

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.connection.close()

    def recv(self, size):
        return b"" if self.has_answered else self.connection.recv(size)

    def sendall(self, data):
        self.connection.sendall(data)
        self.has_answered = True


@pytest.fixture(scope="session")
def certificate(tmp_path_factory):
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - datetime.timedelta(hours=1))
        .not_valid_after(now + datetime.timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    file = tmp_path_factory.mktemp("tls") / "certificate.pem"
    pem, plain = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
    secret = key.private_bytes(pem, plain, serialization.NoEncryption())
    file.write_bytes(made.public_bytes(pem) + secret)
    return str(file)


@pytest.mark.parametrize("part", [None, "headers", "continues"])
def test_over_tls_too(ask, certificate, part):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    wrap = lambda connection: context.wrap_socket(connection, server_side=True)  # noqa: E731
    pool = pool_manager()
    pool.connection_pool_kw["ca_certs"] = certificate
    say = SLOW[part] if part else lambda: [HEAD, BODY]
    with (
        patch.object(introspection, "_pool", pool),
        peer(say, pause=0.1 if part else 0, wrap=wrap) as tls,
    ):
        status, seconds = ask(tls.port, "https", "localhost")
        assert status == (503 if part else 401)
        assert is_in_time(seconds) or not part
        pool.clear()


def test_a_certificate_of_nobody_is_503(ask, certificate):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    wrap = lambda connection: context.wrap_socket(connection, server_side=True)  # noqa: E731
    with peer(lambda: [HEAD, BODY], wrap=wrap) as tls:
        assert ask(tls.port, "https", "localhost")[0] == 503


def test_the_cache_of_answers_holds_up_one_request_and_no_longer_than_the_counters(
    ask, own_redis, count_on, settings
):
    settings.API_GUARD = {**settings.API_GUARD, "COUNTER_TIMEOUT": TIMEOUT}
    count_on(REDIS, own_redis)
    with peer(lambda: [HEAD, BODY]) as answering:
        assert ask(answering.port)[0] == 401
        own_redis.hang()
        settings.API_GUARD = {**settings.API_GUARD, "FAILED_CREDENTIALS": False}
        seconds = [ask(answering.port)[1] for _ in range(3)]
    assert 0.9 * TIMEOUT < seconds[0] < 3 * TIMEOUT
    assert max(seconds[1:]) < TIMEOUT / 2


def test_a_request_after_the_end_is_not_sent():
    url = "http://127.0.0.1:{}/"
    too_late = pytest.raises(urllib3.exceptions.HTTPError, match="the time is over")
    with peer(lambda: [HEAD, BODY]) as answering, within(-1), too_late:
        pool_manager().request("GET", url.format(answering.port))
    assert answering.questions == 0


def test_a_body_that_is_not_read_by_the_other_side_ends_in_time():
    data = os.urandom(50_000_000)
    with (
        peer(lambda: iter([])) as deaf,
        patch.object(Peer, "_serve", lambda self, connection: time.sleep(9)),
        within(SECONDS),
    ):
        url, began = f"http://127.0.0.1:{deaf.port}/", time.monotonic()
        with pytest.raises(urllib3.exceptions.HTTPError):
            pool_manager().request("POST", url, body=data)
        seconds = time.monotonic() - began
    assert is_in_time(seconds), seconds
