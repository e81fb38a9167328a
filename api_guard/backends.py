"""Limits Django's login: refuses an account or an address that has failed too often."""

from __future__ import annotations

from typing import Any

from asgiref.sync import sync_to_async
from django.contrib.auth import get_user_model
from django.contrib.auth.signals import user_logged_in, user_login_failed
from django.core.exceptions import PermissionDenied

from api_guard.exceptions import Refusal
from api_guard.limits import credentials

# Django verifies no secret for these: another server has done it.
_VOUCHED_FOR = frozenset({"remote_user"})


class LoginLimit:
    """The first of `AUTHENTICATION_BACKENDS`. It signs nobody in; it only stops too many attempts.

    It is not a BaseBackend: it knows no users, so no session can belong to it.
    """

    def authenticate(self, request: Any, **given: Any) -> None:
        """Return None, so that the next backend verifies the secret.

        Raises TooManyFailures or GuardUnavailable, which GuardMiddleware answers. Without the
        middleware, it raises PermissionDenied, which looks like a wrong password.
        """
        if not given or given.keys() <= _VOUCHED_FOR or credentials.is_held():
            return
        try:
            credentials.open_attempt(request, "user", _account(given))
        except Refusal as refusal:
            if credentials.is_gated(request):
                raise
            raise PermissionDenied(str(refusal.detail)) from refusal

    async def aauthenticate(self, request: Any, **given: Any) -> None:
        """Do the same under ASGI."""
        await sync_to_async(self.authenticate)(request, **given)


def _account(given: dict[str, Any]) -> str:
    names = (get_user_model().USERNAME_FIELD, "username", "email", "user")
    return next((str(given[name]) for name in names if given.get(name)), "")


def _failed(*, request: Any = None, **_: object) -> None:
    if not credentials.is_held():
        credentials.fail(request)


def _logged_in(*, request: Any = None, **_: object) -> None:
    credentials.succeed(request)


user_login_failed.connect(_failed, dispatch_uid="api_guard.login_failed")
user_logged_in.connect(_logged_in, dispatch_uid="api_guard.logged_in")
