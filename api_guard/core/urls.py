"""Parses a URL so that every other program finds the same host in it."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address

from api_guard.core.encoding import encoded
from api_guard.core.flaws import Flaw, FlawError
from api_guard.core.hosts import ends_in_a_number, is_public_address, is_public_name, read_ipv4
from api_guard.core.idna import to_ascii, to_unicode
from api_guard.core.scripts import find_lookalike

# Characters that are not allowed in a URL (RFC 3986). Parsers treat each of them differently.
_NEVER = re.compile(r"[\x00-\x20\x7f-\xa0\\<>\"^`{|}]|\s")
_START = re.compile(r"([a-zA-Z][a-zA-Z0-9+.-]*)://([^/?#]*)")
_PORT = r"(?::(?P<port>[0-9]{1,5}))?"
_BRACKETED = re.compile(rf"\[(?P<host>[0-9a-fA-F:.]+)\]{_PORT}")
_NAMED = re.compile(rf"(?P<host>[^\[\]:%]+){_PORT}")
_LABEL = re.compile(r"(?!-)[a-z0-9_-]{1,63}(?<!-)")
_MAX_HOST = 253


@dataclass(frozen=True)
class URL:
    """A URL with its scheme and its host in lower case, and its host in ASCII."""

    scheme: str
    host: str
    port: int | None
    rest: str

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        port = "" if self.port is None else f":{self.port}"
        return f"{self.scheme}://{host}{port}{self.rest}"


def read_url(text: str, *, schemes: frozenset[str], public_only: bool) -> URL:
    """Parse `text`. With `public_only`, the host must be on the public internet.

    Raises FlawError.
    """
    found = _NEVER.search(text)
    if found:
        message = f"U+{ord(found[0]):04X} at position {found.start()} is not allowed in a URL."
        raise FlawError(Flaw("invalid_character", message, found.start()))
    start = _START.match(text)
    if start is None:
        raise _flaw("invalid_url", "A URL begins with a scheme and a host: https://example.com.")
    scheme, authority = start[1].lower(), start[2]
    if scheme not in schemes:
        raise _flaw("scheme", f"The scheme must be one of: {', '.join(sorted(schemes))}.")
    if "@" in authority:
        raise _flaw("credentials", "A URL must not contain a user name or a password.")
    host, port = _split(authority)
    if public_only and not _is_public(host):
        raise _flaw("not_public", "The host is not on the public internet.")
    return URL(scheme, host, port, encoded(text[start.end() :]))


def _split(authority: str) -> tuple[str, int | None]:
    found = _BRACKETED.fullmatch(authority) or _NAMED.fullmatch(authority)
    if found is None:
        raise _flaw("invalid_host", "The host or its port is not valid.")
    port = int(found["port"]) if found["port"] else None
    if port is not None and not 0 < port < 65_536:
        raise _flaw("invalid_port", "The port must be between 1 and 65535.")
    return _read_ipv6(found["host"]) if authority[0] == "[" else read_host(found["host"]), port


def _read_ipv6(text: str) -> str:
    try:
        address = IPv6Address(text)
    except ValueError as error:
        raise _flaw("invalid_host", "The host is not an IPv6 address.") from error
    if address.ipv4_mapped is None:
        return str(address)
    # As browsers write it. Python does so until 3.12, and writes ::ffff:1.2.3.4 from 3.13 on.
    return "::ffff:{:x}:{:x}".format(*divmod(int(address.ipv4_mapped), 0x10000))


def read_host(text: str) -> str:
    """Return the name or the IPv4 address in `text` in lower-case ASCII. Raises FlawError."""
    host = _in_ascii(text).removesuffix(".")
    labels = host.split(".")
    if len(host) > _MAX_HOST or not all(map(_LABEL.fullmatch, labels)):
        raise _flaw("invalid_host", "The host is not a DNS name.")
    for label in labels:
        if label.startswith("xn--"):
            _refuse_disguise(_decoded(label))
    if ends_in_a_number(host):
        return _read_number(host)
    return host


def _in_ascii(text: str) -> str:
    if len(text) > _MAX_HOST + 1:
        raise _flaw("invalid_host", "The host is too long.")
    if text.isascii():
        return text.lower()
    # The mapping of UTS #46, but without lookalikes. It maps each character alone, because a Greek
    # word in lower case may end in another letter.
    lower = "".join(map(str.lower, unicodedata.normalize("NFC", text)))
    host = unicodedata.normalize("NFC", lower)
    host = host.replace("\u3002", ".")
    _refuse_disguise(host)
    try:
        return ".".join(map(to_ascii, host.split(".")))
    except (UnicodeError, ValueError) as error:
        raise _flaw("invalid_host", "The host is not a valid international name.") from error


def _decoded(label: str) -> str:
    try:
        return to_unicode(label)
    except (UnicodeError, ValueError) as error:
        raise _flaw("invalid_host", "The host is not a valid international name.") from error


def _refuse_disguise(host: str) -> None:
    odd = unicodedata.normalize("NFKC", host) != host
    if odd or any(find_lookalike(label) for label in host.split(".")):
        raise _flaw("lookalike", "The host contains characters that look like others.")


def _read_number(host: str) -> str:
    try:
        address = str(read_ipv4(host))
    except ValueError as error:
        raise _flaw("invalid_host", "The host is not an IPv4 address.") from error
    if address != host:
        raise _flaw("disguised_address", f"Write the address as {address}.")
    return address


def _is_public(host: str) -> bool:
    if ":" in host:
        return is_public_address(IPv6Address(host))
    if ends_in_a_number(host):
        return is_public_address(IPv4Address(host))
    return is_public_name(host)


def _flaw(code: str, message: str) -> FlawError:
    return FlawError(Flaw(code, message))
