"""Connects to the public internet alone, to the very address that was looked at."""

from api_guard.connections.opening import NotPublicError, public_addresses, public_opener

__all__ = ["NotPublicError", "public_addresses", "public_opener"]
