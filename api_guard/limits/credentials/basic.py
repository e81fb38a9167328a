"""Reads the account of an `Authorization: Basic` field (RFC 7617), and nothing else of it."""

from __future__ import annotations

import base64
import binascii


def account_of_basic(field: str) -> str | None:
    """Return the user-id; None where the field is of another scheme, or cannot be read."""
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
