"""Records other changes of access than grants: to groups, clients, users and mappings."""

from api_guard.access.receivers.connecting import connect

__all__ = ["connect"]
