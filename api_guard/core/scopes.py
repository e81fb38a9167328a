"""Valid names of scopes, and the effective scopes of a caller."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum

# RFC 6749 §3.3: scope-token = 1*( %x21 / %x23-5B / %x5D-7E )
_SCOPE = re.compile(r"[\x21\x23-\x5b\x5d-\x7e]+", re.ASCII)

# OpenID Connect Core §5.4 and §11: they choose the claims of an ID token, not access to an API.
PROTOCOL_SCOPES = frozenset({"openid", "profile", "email", "address", "phone", "offline_access"})

MAX_SCOPE_LENGTH = 255
# The first character of the name under which a bundle is granted: "@editor". No scope has it.
BUNDLE_MARK = "@"
# An authority over this group is an authority over all scopes.
EVERY_SCOPE = "*"
NO_SCOPES: frozenset[str] = frozenset()


class Credential(Enum):
    """The kind of credential that a caller presented."""

    NONE = "none"
    """Nothing: an anonymous caller."""
    UNSCOPED = "unscoped"
    """A session or a password: it has all scopes granted to its user."""
    TOKEN = "token"  # noqa: S105  # the name of a kind, not a secret
    """An access token of a client: it has at most the scopes that it carries."""
    PERSONAL = "personal"
    """An access token without a client, where the site accepts it: likewise."""
    UNKNOWN = "unknown"
    """A credential that identifies a user but does not report scopes: it has no scopes."""

    @property
    def is_token(self) -> bool:
        """Whether it carries scopes, which limit what was granted."""
        return self in (Credential.TOKEN, Credential.PERSONAL)


@dataclass(frozen=True)
class ScopeTerms:
    """What a scope allows, and the rules for granting it.

    Users who manage `group` may grant it, for at most `max_days`. A sensitive scope needs two
    people. A requestable scope can be asked for.
    """

    description: str
    group: str = ""
    is_sensitive: bool = False
    max_days: int | None = None
    is_requestable: bool = False


@dataclass(frozen=True)
class Granted:
    """The live scopes of the two sides of a caller; None if a side is missing.

    A user's side is what was granted to the user, to its groups and to everyone.
    """

    user: frozenset[str] | None = None
    client: frozenset[str] | None = None


def is_scope_name(name: object) -> bool:
    """Whether `name` is a scope-token of RFC 6749 §3.3."""
    return isinstance(name, str) and len(name) <= MAX_SCOPE_LENGTH and bool(_SCOPE.fullmatch(name))


def effective_scopes(
    credential: Credential, carried: frozenset[str], granted: Granted
) -> frozenset[str]:
    """Return the effective scopes: the granted ones that the credential also carries.

    `carried` are the scopes of its token. Protocol scopes are never among the result.
    """
    if credential is Credential.UNSCOPED and granted.user is not None:
        return granted.user - PROTOCOL_SCOPES
    if credential is Credential.PERSONAL and granted.user is not None:
        return (carried & granted.user) - PROTOCOL_SCOPES
    if credential is not Credential.TOKEN:
        return NO_SCOPES
    sides = [side for side in (granted.user, granted.client) if side is not None]
    if granted.client is None:
        # A token without a client is not a delegation: no client, no grant, no scope.
        return NO_SCOPES
    return carried.intersection(*sides) - PROTOCOL_SCOPES
