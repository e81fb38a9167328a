"""Checks for `manage.py check --deploy`: everything that exposes tokens on the network."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core import checks
from django.core.checks import CheckMessage, Error
from django.core.checks.security import base, csrf, sessions

from api_guard import conf
from api_guard.checks.oauth2 import has_tokens, is_routed
from api_guard.oauth2.security import token_lifetimes, toolkit_warnings

_LONGEST_ACCESS = 3600

_DJANGO = (
    base.check_security_middleware,
    base.check_ssl_redirect,
    base.check_sts,
    csrf.check_csrf_cookie_secure,
    sessions.check_session_cookie_secure,
    sessions.check_session_cookie_httponly,
)


def check_transport(app_configs: object = None, **_: object) -> list[CheckMessage]:
    """E030, E031: warnings of Django and django-oauth-toolkit are errors for a guarded API."""
    del app_configs
    # Django's own checks take only the apps.
    warned = [message for check in _DJANGO for message in check(None)]
    if has_tokens():
        warned += toolkit_warnings()
    found: list[CheckMessage] = [
        Error(f"{message.msg} ({message.id})", hint=message.hint, id="api_guard.E030")
        for message in warned
    ]
    header: Any = settings.SECURE_PROXY_SSL_HEADER
    if header is not None and not (len(header) == 2 and header[0].startswith("HTTP_")):
        found.append(
            Error(
                f"SECURE_PROXY_SSL_HEADER is {header!r}, which no proxy can set.",
                hint='SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https"), if the '
                "proxy removes this header from the requests of clients.",
                id="api_guard.E031",
            )
        )
    return found


def check_lifetimes(app_configs: object = None, **_: object) -> list[CheckMessage]:
    """E040, W041: refresh tokens expire (ASVS 10.4.8), and access tokens within the hour."""
    del app_configs
    found: list[CheckMessage] = []
    if not is_routed("token"):
        return found
    access, refresh = token_lifetimes()
    if not refresh:
        text = "Refresh tokens never expire: a stolen one is valid for ever."
        hint = 'OAUTH2_PROVIDER = {"REFRESH_TOKEN_EXPIRE_SECONDS": 14 * 24 * 3600, ...}'
        found.append(Error(text, hint=hint, id="api_guard.E040"))
    if isinstance(access, (int, float)) and access > _LONGEST_ACCESS:
        text = f"An access token is valid for {access} seconds, also after it was stolen."
        hint = f'OAUTH2_PROVIDER = {{"ACCESS_TOKEN_EXPIRE_SECONDS": {_LONGEST_ACCESS}, ...}}'
        found.append(checks.Warning(text, hint=hint, id="api_guard.W041"))
    return found


def check_proxies(app_configs: object = None, **_: object) -> list[CheckMessage]:
    """W032: the settings say whether there is a proxy in front of the API."""
    del app_configs
    if conf.is_set("TRUSTED_PROXIES"):
        return []
    return [
        checks.Warning(
            "API_GUARD['TRUSTED_PROXIES'] is not set: behind a proxy, all anonymous callers share "
            "the address of the proxy and its rates.",
            hint='API_GUARD["TRUSTED_PROXIES"] = ["10.0.0.0/8"], or [] if there is no proxy in '
            "front of the API.",
            id="api_guard.W032",
        )
    ]
