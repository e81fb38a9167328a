"""Records what gives access, or takes it, beside a grant: groups, clients, users, mappings."""

from api_guard.access.receivers.connecting import connect

__all__ = ["connect"]
