"""Where a code may be sent to (RFC 9700 §2.1, RFC 8252 §7)."""

from __future__ import annotations

from ipaddress import ip_address
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit


def is_loopback(uri: str) -> bool:
    """Whether `uri` leads to the machine that follows it."""
    try:
        host = urlsplit(uri).hostname or ""
    except ValueError:
        return False
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def is_in_clear(uri: str) -> bool:
    """Whether `uri` sends a code over the network by HTTP: loopback interfaces are exempt."""
    return uri.lower().startswith("http:") and not is_loopback(uri)


def is_anybodys(uri: str) -> bool:
    """Whether any program of the user's device may listen at `uri`.

    That is so for loopback interfaces and for schemes that an app registers (RFC 8252 §8.6); an
    `https` address has one owner.
    """
    return not uri.lower().startswith("https:") or is_loopback(uri)


def with_issuer(uri: str, issuer: str) -> str:
    """Return the address of an authorization response, with its one `iss` (RFC 9207 §2).

    It goes where the other parameters are: into the fragment, where there is one. What a registered
    address says of an issuer is left out.
    """
    parts = urlsplit(uri)
    query, fragment = (
        [(name, value) for name, value in parse_qsl(part, keep_blank_values=True) if name != "iss"]
        for part in (parts.query, parts.fragment)
    )
    (fragment if parts.fragment else query).append(("iss", issuer))
    return urlunsplit(parts._replace(query=urlencode(query), fragment=urlencode(fragment)))
