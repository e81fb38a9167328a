"""Checks of redirect URIs (RFC 9700 §2.1, RFC 8252 §7)."""

from __future__ import annotations

from ipaddress import ip_address
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit


def is_loopback(uri: str) -> bool:
    """Whether `uri` leads to the machine of the browser."""
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
    """Whether `uri` sends a code over the network without TLS. Loopback is allowed."""
    return uri.lower().startswith("http:") and not is_loopback(uri)


def is_anybodys(uri: str) -> bool:
    """Whether any program on the user's device may receive `uri`.

    This is true for loopback and for the schemes of apps (RFC 8252 §8.6). An `https` URI has one
    owner.
    """
    return not uri.lower().startswith("https:") or is_loopback(uri)


def with_issuer(uri: str, issuer: str) -> str:
    """Return the address of an authorization response, with its one `iss` (RFC 9207 §2).

    `iss` is added to the fragment if there is one, else to the query. An `iss` in the registered
    URI is removed.
    """
    parts = urlsplit(uri)
    query, fragment = (
        [(name, value) for name, value in parse_qsl(part, keep_blank_values=True) if name != "iss"]
        for part in (parts.query, parts.fragment)
    )
    (fragment if parts.fragment else query).append(("iss", issuer))
    return urlunsplit(parts._replace(query=urlencode(query), fragment=urlencode(fragment)))
