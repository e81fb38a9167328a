"""Checks of what limits failed credentials."""

from __future__ import annotations

from django.conf import settings
from django.core import checks
from django.core.checks import CheckMessage

from api_guard import conf

LOGIN_LIMIT = "api_guard.backends.LoginLimit"


def check_login_limit(app_configs: object = None, **_: object) -> list[CheckMessage]:
    """W053: Django's login is limited, before anything verifies a password."""
    del app_configs
    listed = list(settings.AUTHENTICATION_BACKENDS)
    # django-axes verifies nothing either.
    before = [path for path in listed[: _position(listed)] if not path.startswith("axes.")]
    if LOGIN_LIMIT in listed and not before:
        return []
    problem = "comes after another one" if LOGIN_LIMIT in listed else "is missing"
    others = "".join(f', "{path}"' for path in listed if path != LOGIN_LIMIT)
    return [
        checks.Warning(
            f"{LOGIN_LIMIT} {problem} in AUTHENTICATION_BACKENDS: at Django's login, the admin's "
            "included, passwords can be guessed without a limit.",
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
            "API_GUARD['FAILED_CREDENTIALS'] is False: passwords, client secrets and tokens can be "
            "guessed without a limit.",
            hint="Leave it out of API_GUARD; the defaults are those of docs/settings.md.",
            id="api_guard.W054",
        )
    ]


def _position(listed: list[str]) -> int:
    return listed.index(LOGIN_LIMIT) if LOGIN_LIMIT in listed else 0
