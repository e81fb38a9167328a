"""The WWW-Authenticate challenge of RFC 6750."""

from __future__ import annotations

from collections.abc import Iterable

REALM = "api"


def quoted(value: str) -> str:
    """Write a quoted-string of RFC 9110 §5.6.4, without what a header must not hold."""
    visible = "".join(char if 0x20 <= ord(char) < 0x7F else "?" for char in value)
    escaped = visible.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def bearer_challenge(
    *,
    error: str | None = None,
    description: str | None = None,
    scopes: Iterable[str] = (),
    resource_metadata: str | None = None,
) -> str:
    """Write the WWW-Authenticate challenge of RFC 6750 §3.

    `resource_metadata` is the URL of the metadata of RFC 9728 §5.1.
    """
    attributes = {
        "realm": REALM,
        "error": error,
        "error_description": description,
        "scope": " ".join(scopes) or None,
        "resource_metadata": resource_metadata,
    }
    return "Bearer " + ", ".join(
        f"{name}={quoted(value)}" for name, value in attributes.items() if value is not None
    )
