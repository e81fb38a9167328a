"""Connects only to the public internet, and only to the address that was checked."""

from api_guard.connections.opening import (
    NotPublicError,
    create_public_connection,
    public_addresses,
    public_opener,
)
from api_guard.connections.sockets import Download, TooLargeError

__all__ = [
    "Download",
    "NotPublicError",
    "TooLargeError",
    "create_public_connection",
    "public_addresses",
    "public_opener",
]
