"""Authentication by bearer tokens, only from the Authorization header."""

from api_guard.authentication.access_tokens import OAuth2Authentication
from api_guard.authentication.bearer import takes_access_tokens
from api_guard.authentication.challenges import challenge_of, resource_metadata
from api_guard.authentication.credentials import authenticate
from api_guard.authentication.introspected import IntrospectionAuthentication

__all__ = [
    "IntrospectionAuthentication",
    "OAuth2Authentication",
    "authenticate",
    "challenge_of",
    "resource_metadata",
    "takes_access_tokens",
]
