"""Connects to the public internet alone, to the very address that was looked at."""

from __future__ import annotations

import http.client
import socket
from ipaddress import ip_address
from typing import Any
from urllib import request

from api_guard.core.hosts import is_public_address

TIMEOUT = 10.0


class NotPublicError(OSError):
    """The host has an address that is not on the public internet."""


def public_addresses(host: str, port: int) -> list[tuple[int, Any]]:
    """Return the family and the socket address of each address of `host`.

    Raises NotPublicError where one of them is not public, and OSError where there is none.
    """
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    for _, _, _, _, address in found:
        # An IPv6 address may name its interface: fe80::1%eth0.
        if not is_public_address(ip_address(str(address[0]).partition("%")[0])):
            raise NotPublicError(f"{host} is not on the public internet.")
    return [(family, address) for family, _, _, _, address in found]


def create_public_connection(
    address: tuple[str, int],
    timeout: float | None = TIMEOUT,
    source_address: tuple[str, int] | None = None,
) -> socket.socket:
    """Connect as `socket.create_connection()` does, but to public addresses alone.

    The name is resolved once, and what is connected to is what was judged: a name that resolves
    differently a moment later changes nothing. Raises OSError.
    """
    failure = OSError(f"{address[0]} has no address.")
    for family, found in public_addresses(*address):
        connection = socket.socket(family, socket.SOCK_STREAM)
        try:
            connection.settimeout(timeout if isinstance(timeout, (int, float)) else TIMEOUT)
            if source_address is not None:
                connection.bind(source_address)
            connection.connect(found)
        except OSError as error:
            connection.close()
            failure = error
        else:
            return connection
    raise failure


def public_opener() -> request.OpenerDirector:
    """Return an opener of urllib for http and https, each redirect of which is held as well.

    It asks no proxy, which would connect in its place.
    """
    opener = request.OpenerDirector()
    for handler in (
        _HTTPHandler(),
        _HTTPSHandler(),
        request.HTTPDefaultErrorHandler(),
        request.HTTPRedirectHandler(),
        request.HTTPErrorProcessor(),
        request.UnknownHandler(),
    ):
        opener.add_handler(handler)
    return opener


class _HTTPConnection(http.client.HTTPConnection):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._create_connection = create_public_connection


class _HTTPSConnection(http.client.HTTPSConnection):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._create_connection = create_public_connection


class _HTTPHandler(request.HTTPHandler):
    def http_open(self, req: request.Request) -> http.client.HTTPResponse:
        return self.do_open(_HTTPConnection, req)


class _HTTPSHandler(request.HTTPSHandler):
    def https_open(self, req: request.Request) -> http.client.HTTPResponse:
        return self.do_open(_HTTPSConnection, req)
