"""Parameters of an authorization request besides scopes (OpenID Connect Core §3.1.2.1)."""

from __future__ import annotations

import re
import time
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from django.contrib.auth import logout
from django.http import HttpRequest, QueryDict
from oauth2_provider.settings import oauth2_settings
from oauthlib.oauth2.rfc6749.errors import InvalidRequestError
from oauthlib.openid.connect.core.exceptions import (
    LoginRequired,
    RegistrationNotSupported,
    RequestNotSupported,
    RequestURINotSupported,
)

from api_guard.core.redirects import is_anybodys

SIGNED_IN_AT = "api_guard_signed_in_at"
"""The session key for the POSIX time when the user signed in."""
_WANTED_AT = "api_guard_sign_in_wanted_at"
# For this many seconds, a user who was asked to sign in and did not is asked again.
_WANTED_FOR = 600

# Ten digits are more than 300 years.
_SECONDS = re.compile(r"[0-9]{1,10}", re.ASCII)
_PROMPTS = frozenset({"none", "login", "consent", "select_account", "create"})
# A user with several accounts selects one by signing in.
_SIGNS_IN = frozenset({"login", "select_account"})
_OBJECTS = {
    "request": RequestNotSupported,
    "request_uri": RequestURINotSupported,
    "registration": RegistrationNotSupported,
}


def refuse_unsupported(asked: Any) -> None:
    """Refuse parameters that this server does not support. Raises OAuth2Error.

    If they were ignored, the client would believe that they had an effect.
    """
    for name, error in _OBJECTS.items():
        if getattr(asked, name, None):
            raise error(request=asked)
    mode = asked.response_mode
    if mode and mode != ("query" if asked.response_type in ("code", "none") else "fragment"):
        raise InvalidRequestError("This response_mode is not supported.", request=asked)
    if not prompts(asked) <= _PROMPTS:
        raise InvalidRequestError("This prompt is not supported.", request=asked)
    if asked.max_age and not _SECONDS.fullmatch(asked.max_age):
        raise InvalidRequestError("The max_age is not a number of seconds.", request=asked)


def prompts(asked: Any) -> frozenset[str]:
    """Return the values of `prompt`."""
    return frozenset((asked.prompt or "").split())


def decided(request: HttpRequest, asked: Any) -> QueryDict:
    """Return the query for django-oauth-toolkit's view. Raises LoginRequired.

    If the sign-in is older than `max_age` seconds, the user has to sign in again. A client can ask
    for a consent page that the settings would skip, but cannot skip a page that they require. The
    page is never skipped if any app on the user's device could be the client (RFC 8252 §8.6).
    """
    query = request.GET.copy()
    wanted = prompts(asked)
    is_owed = _is_owed(request)
    if wanted & _SIGNS_IN or is_owed or is_too_old(request, asked.max_age):
        if "none" in wanted:
            raise LoginRequired(request=asked)
        query["prompt"] = " ".join({*wanted, "login"})
        if is_owed:
            # The login page sent the user back without a sign-in (`redirect_authenticated_user`).
            logout(request)
        request.session[_WANTED_AT] = time.time()
    is_spared = (
        oauth2_settings.REQUEST_APPROVAL_PROMPT == "auto"
        and query.get("approval_prompt") in (None, "auto")
        and "consent" not in wanted
        and not _may_be_another(asked)
    )
    query["approval_prompt"] = "auto" if is_spared else "force"
    return query


def without_sign_in(address: str) -> str:
    """Return `address` without the parameters that ask for a sign-in."""
    parts = urlsplit(address)
    query = []
    for name, value in parse_qsl(parts.query, keep_blank_values=True):
        if name == "prompt":
            value = " ".join(each for each in value.split() if each not in _SIGNS_IN)
        if (name == "prompt" and not value) or (name == "max_age" and not value.strip("0")):
            continue
        query.append((name, value))
    return urlunsplit(parts._replace(query=urlencode(query)))


def is_too_old(request: HttpRequest, max_age: str | None) -> bool:
    """Whether the user of this session signed in longer than `max_age` seconds ago."""
    if not _SECONDS.fullmatch(max_age or "") or not request.user.is_authenticated:
        return False
    signed_in_at = request.session.get(SIGNED_IN_AT)
    if not isinstance(signed_in_at, (int, float)):
        return True
    return time.time() - signed_in_at >= int(max_age or 0)


def _is_owed(request: HttpRequest) -> bool:
    """Whether this session was recently asked for a sign-in that did not happen."""
    if not request.user.is_authenticated:
        return False
    wanted_at: float = request.session.get(_WANTED_AT, 0)
    signed_in_at: float = request.session.get(SIGNED_IN_AT, 0)
    return signed_in_at < wanted_at and time.time() < wanted_at + _WANTED_FOR


def _may_be_another(asked: Any) -> bool:
    is_public = asked.client.client_type != asked.client.CLIENT_CONFIDENTIAL
    return is_public and is_anybodys(asked.redirect_uri or "")
