"""Reads only the account of an `Authorization: Basic` field (RFC 7617)."""

from __future__ import annotations

import base64
import binascii


def account_of_basic(field: str) -> str | None:
    """Return the user-id, or None for another scheme or an unreadable field."""
    scheme, _, encoded = field.partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        decoded = base64.b64decode(encoded.strip())
    except (binascii.Error, ValueError):
        return None
    try:
        text = decoded.decode()
    except UnicodeDecodeError:
        text = decoded.decode("latin-1")
    account, colon, _ = text.partition(":")
    return account if colon else None
