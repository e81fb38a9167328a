"""The caller of a request: identity, standing and effective scopes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import IntEnum
from functools import cached_property

from api_guard.core.scopes import NO_SCOPES, Credential, Granted, effective_scopes


class Standing(IntEnum):
    """The standing of a caller: anyone, a signed-in user, or staff."""

    PUBLIC = 0
    SIGNED_IN = 1
    STAFF = 2

    def __repr__(self) -> str:
        return self.name


def _nothing_granted() -> Granted:
    return Granted()


@dataclass(frozen=True)
class Caller:
    """A user, a client, both or nobody.

    `user_id` and `client_id` are primary keys; `carried` are the scopes of its token. `look_up`
    returns all grants; it is called once, when the scopes are first needed. `look_up_some` is
    optional. It returns the grants of some scopes, and is called for each requirement.
    """

    user_id: object = None
    client_id: object = None
    standing: Standing = Standing.PUBLIC
    credential: Credential = Credential.NONE
    carried: frozenset[str] = NO_SCOPES
    look_up: Callable[[], Granted] = field(default=_nothing_granted, repr=False, compare=False)
    look_up_some: Callable[[tuple[str, ...]], Granted] | None = field(
        default=None, repr=False, compare=False
    )

    @property
    def is_authenticated(self) -> bool:
        """Whether the request has a user or a client."""
        return self.user_id is not None or self.client_id is not None

    @cached_property
    def scopes(self) -> frozenset[str]:
        """The effective scopes: granted now and, for a token, also on the token."""
        if not self.is_authenticated or self.credential is Credential.UNKNOWN:
            return NO_SCOPES
        return effective_scopes(self.credential, self.carried, self.look_up())

    def scopes_among(self, names: tuple[str, ...]) -> frozenset[str]:
        """Return which of `names` are effective scopes. The result may contain others too.

        It tries to read only these scopes.
        """
        if self.look_up_some is None or "scopes" in self.__dict__:
            return self.scopes
        if not self.may_hold(names):
            return NO_SCOPES
        return effective_scopes(self.credential, self.carried, self.look_up_some(names))

    def may_hold(self, names: tuple[str, ...]) -> bool:
        """Whether one of `names` could be an effective scope, without reading the grants."""
        if not self.is_authenticated or self.credential is Credential.UNKNOWN:
            return False
        return not self.credential.is_token or not self.carried.isdisjoint(names)

    def __str__(self) -> str:
        user = None if self.user_id is None else f"user {self.user_id}"
        client = None if self.client_id is None else f"client {self.client_id}"
        return " by ".join(filter(None, (user, client))) or "anonymous"
