"""Finds, checks and revokes tokens of django-oauth-toolkit and of another server."""

from api_guard.tokens.clients import keep_their_client
from api_guard.tokens.counting import Alive, Share, alive, alive_of_clients
from api_guard.tokens.finding import database, find, find_beside, is_well_formed
from api_guard.tokens.introspection import introspect
from api_guard.tokens.judging import audience, is_alive, is_good, why_bad
from api_guard.tokens.remote import IntrospectedToken, locate
from api_guard.tokens.revoking import (
    count_tokens,
    revoke_exposed,
    revoke_issued,
    revoke_pair,
    revoke_tokens,
)

__all__ = [
    "Alive",
    "IntrospectedToken",
    "Share",
    "alive",
    "alive_of_clients",
    "audience",
    "count_tokens",
    "database",
    "find",
    "find_beside",
    "introspect",
    "is_alive",
    "is_good",
    "is_well_formed",
    "keep_their_client",
    "locate",
    "revoke_exposed",
    "revoke_issued",
    "revoke_pair",
    "revoke_tokens",
    "why_bad",
]
