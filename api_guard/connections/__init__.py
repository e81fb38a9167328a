"""Connects only to the public internet, and only to the address that was checked."""

from api_guard.connections.opening import NotPublicError, public_addresses, public_opener

__all__ = ["NotPublicError", "public_addresses", "public_opener"]
