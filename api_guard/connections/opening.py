"""Opens a URL only if its host is on the public internet, at the address that was checked."""

from __future__ import annotations

import http.client
import socket
import ssl
from functools import partial
from ipaddress import ip_address
from typing import Any, cast
from urllib import request
from weakref import WeakKeyDictionary

from api_guard.connections.sockets import TIMEOUT, Download, HeldSocket, HeldTLSSocket, resolved
from api_guard.core.hosts import is_public_address

# Seconds from the request to the last byte of the response.
DEADLINE = 60.0
# Bytes of the response, with its headers and with the responses that redirected to it.
MAX_BYTES = 10_000_000


class NotPublicError(OSError):
    """The host has an address that is not on the public internet."""


def public_addresses(
    host: str, port: int, *, download: Download | None = None
) -> list[tuple[int, Any]]:
    """Return the family and the socket address of each address of `host`.

    Raises NotPublicError if one of them is not public, and OSError if there is no address.
    """
    found = resolved(host, port, download)
    for _, _, _, _, address in found:
        # An IPv6 address may name its interface: fe80::1%eth0.
        if not is_public_address(ip_address(str(address[0]).partition("%")[0])):
            raise NotPublicError(f"{host} is not on the public internet.")
    return [(family, address) for family, _, _, _, address in found]


def create_public_connection(
    address: tuple[str, int],
    timeout: float | None = TIMEOUT,
    source_address: tuple[str, int] | None = None,
    *,
    download: Download | None = None,
) -> socket.socket:
    """Connect as `socket.create_connection()` does, but only to public addresses.

    The name is resolved once, and the connection uses the checked address, so that a later DNS
    answer changes nothing. No step takes longer than `timeout`, and all steps share what the
    `download` has left. Raises OSError.
    """
    failure = OSError(f"{address[0]} has no address.")
    for family, found in public_addresses(*address, download=download):
        connection = HeldSocket(family, socket.SOCK_STREAM)
        try:
            connection.hold(timeout if isinstance(timeout, (int, float)) else TIMEOUT, download)
            if source_address is not None:
                connection.bind(source_address)
            connection.connect(found)
            connection.wait()
        except OSError as error:
            connection.close()
            failure = error
        else:
            return connection
    raise failure


def public_opener(
    *, deadline: float = DEADLINE, max_bytes: int = MAX_BYTES
) -> request.OpenerDirector:
    """Return an opener of urllib for http and https. It also checks each redirect.

    It uses no proxy, because a proxy would connect without the check. `deadline` is in seconds,
    from `open()` to the last byte of the response, with all redirects. After it, TimeoutError or
    URLError is raised. `max_bytes` limits what arrives in that time, with headers and redirects.
    Beyond it, TooLargeError or URLError is raised.
    """
    opener = _Opener(deadline, max_bytes)
    for handler in (
        _HTTPHandler(opener),
        _HTTPSHandler(opener),
        request.HTTPDefaultErrorHandler(),
        _RedirectHandler(opener),
        request.HTTPErrorProcessor(),
        request.UnknownHandler(),
    ):
        opener.add_handler(handler)
    return opener


class _HTTPConnection(http.client.HTTPConnection):
    def __init__(self, *args: Any, download: Download, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._create_connection = partial(create_public_connection, download=download)


class _HTTPSConnection(http.client.HTTPSConnection):
    def __init__(self, *args: Any, download: Download, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.download = download
        self._create_connection = partial(create_public_connection, download=download)

    def connect(self) -> None:
        super().connect()
        step = self.timeout if isinstance(self.timeout, (int, float)) else TIMEOUT
        # The context of `_HTTPSHandler` makes only such sockets.
        cast(HeldTLSSocket, self.sock).hold(step, self.download)


class _Opener(request.OpenerDirector):
    def __init__(self, seconds: float, max_bytes: int) -> None:
        super().__init__()
        self.seconds, self.max_bytes = seconds, max_bytes
        self.downloads: WeakKeyDictionary[request.Request, Download] = WeakKeyDictionary()

    def open(
        self, fullurl: str | request.Request, data: Any = None, timeout: float | None = TIMEOUT
    ) -> Any:
        # There are only handlers for http and https.
        req = request.Request(fullurl) if isinstance(fullurl, str) else fullurl  # noqa: S310
        # A redirect is a part of the first download.
        self.downloads.setdefault(req, Download(self.seconds, self.max_bytes))
        try:
            return super().open(req, data, timeout)
        finally:
            del self.downloads[req]


class _RedirectHandler(request.HTTPRedirectHandler):
    def __init__(self, opener: _Opener) -> None:
        self.opener = opener

    def redirect_request(self, req: request.Request, fp: Any, *args: Any) -> request.Request:
        # It returns a request, or raises.
        redirected = cast(request.Request, super().redirect_request(req, fp, *args))
        # Otherwise the caller reads the body to its end, and does not close it if that fails.
        fp.close()
        self.opener.downloads[redirected] = self.opener.downloads[req]
        return redirected


class _HTTPHandler(request.HTTPHandler):
    def __init__(self, opener: _Opener) -> None:
        super().__init__()
        self.opener = opener

    def http_open(self, req: request.Request) -> http.client.HTTPResponse:
        return self.do_open(partial(_HTTPConnection, download=self.opener.downloads[req]), req)


class _HTTPSHandler(request.HTTPSHandler):
    def __init__(self, opener: _Opener) -> None:
        super().__init__()
        self.opener = opener
        self.context = ssl.create_default_context()
        self.context.set_alpn_protocols(["http/1.1"])
        self.context.sslsocket_class = HeldTLSSocket

    def https_open(self, req: request.Request) -> http.client.HTTPResponse:
        connection = partial(_HTTPSConnection, download=self.opener.downloads[req])
        return self.do_open(connection, req, context=self.context)
