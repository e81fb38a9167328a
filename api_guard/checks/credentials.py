"""Checks of the limits for failed credentials, and of tokens without a client."""

from __future__ import annotations

from django.conf import settings
from django.core import checks
from django.core.checks import CheckMessage

from api_guard import conf, tokens

LOGIN_LIMIT = "api_guard.backends.LoginLimit"


def check_login_limit(app_configs: object = None, **_: object) -> list[CheckMessage]:
    """W053: the limit of Django's login comes before every backend that verifies passwords."""
    del app_configs
    listed = list(settings.AUTHENTICATION_BACKENDS)
    # django-axes does not verify passwords.
    before = [path for path in listed[: _position(listed)] if not path.startswith("axes.")]
    if LOGIN_LIMIT in listed and not before:
        return []
    problem = "comes after another backend" if LOGIN_LIMIT in listed else "is missing"
    others = "".join(f', "{path}"' for path in listed if path != LOGIN_LIMIT)
    return [
        checks.Warning(
            f"{LOGIN_LIMIT} {problem} in AUTHENTICATION_BACKENDS: Django's login, also the "
            "admin's, does not limit how often passwords are guessed.",
            hint=f'AUTHENTICATION_BACKENDS = ["{LOGIN_LIMIT}"{others}]',
            id="api_guard.W053",
        )
    ]


def check_failed_credentials(app_configs: object = None, **_: object) -> list[CheckMessage]:
    """W054: failed credentials are limited."""
    del app_configs
    if conf.failed_credentials() is not None:
        return []
    return [
        checks.Warning(
            "API_GUARD['FAILED_CREDENTIALS'] is False: nothing limits how often passwords, client "
            "secrets and tokens are guessed.",
            hint="Remove it from API_GUARD: docs/settings.md has the defaults.",
            id="api_guard.W054",
        )
    ]


def check_clientless_tokens(app_configs: object = None, **_: object) -> list[CheckMessage]:
    """E088: a token without a client is one that no client was issued."""
    del app_configs
    if not conf.takes_clientless_tokens() or tokens.keep_their_client():
        return []
    return [
        checks.Error(
            "API_GUARD['CLIENTLESS_TOKENS'] is 'user', and access tokens stay without a client "
            "when their client is deleted: tokens without a client are refused.",
            hint="Give the field `application` of your access tokens on_delete=models.CASCADE.",
            id="api_guard.E088",
        )
    ]


def _position(listed: list[str]) -> int:
    return listed.index(LOGIN_LIMIT) if LOGIN_LIMIT in listed else 0
