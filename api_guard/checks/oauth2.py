"""Checks of the authorization server, of this site or of another."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core import checks
from django.core.checks import CheckMessage, Error
from django.urls import NoReverseMatch, get_script_prefix, resolve, reverse
from django.utils.module_loading import import_string

from api_guard import conf, tokens
from api_guard.access.endpoints import current_urlconf
from api_guard.authentication import IntrospectionAuthentication, takes_access_tokens
from api_guard.checks.authentication import authenticators
from api_guard.core.redirects import is_loopback
from api_guard.oauth2 import GuardedValidatorMixin
from api_guard.oauth2.security import fails_at_devices

_VALIDATOR = "api_guard.oauth2.GuardedValidator"


def check_toolkit(app_configs: object = None, **_: object) -> list[CheckMessage]:
    """E007, E033, W025, W026, W039: the toolkit issues only granted scopes, to chosen clients."""
    del app_configs
    if not conf.issues_tokens() and not is_routed("token"):
        return []
    if conf.introspection() is not None and not is_routed("token"):
        return []  # another site issues the tokens
    found: list[CheckMessage] = []
    if _toolkit("SCOPES_BACKEND_CLASS") != "api_guard.oauth2.GrantedScopes":
        text = (
            "OAUTH2_PROVIDER['SCOPES_BACKEND_CLASS'] is not GrantedScopes: a client can ask for "
            "scopes that were never granted to it."
        )
        hint = 'OAUTH2_PROVIDER = {"SCOPES_BACKEND_CLASS": "api_guard.oauth2.GrantedScopes", ...}'
        found.append(Error(text, hint=hint, id="api_guard.E007"))
    if not _is_guarded_validator(_toolkit("OAUTH2_VALIDATOR_CLASS")):
        text = (
            "OAUTH2_PROVIDER['OAUTH2_VALIDATOR_CLASS'] is not GuardedValidator: a refresh, an "
            "introspection or a view of the toolkit ignores what was revoked."
        )
        hint = (
            f'OAUTH2_PROVIDER = {{"OAUTH2_VALIDATOR_CLASS": "{_VALIDATOR}", ...}}; for a validator '
            "of your own, make GuardedValidatorMixin its first base class."
        )
        found.append(Error(text, hint=hint, id="api_guard.E033"))
    return [*found, *_check_routes()]


def _check_routes() -> list[CheckMessage]:
    found: list[CheckMessage] = []
    fix = 'path("o/", include("api_guard.oauth2.urls"))'
    devices = "device-authorization"
    is_broken = fails_at_devices() and is_routed(devices) and not _is_ours(devices)
    also = " With this oauthlib, its device endpoint answers 500." if is_broken else ""
    if is_routed("register"):
        text = f"Any user can register a client at oauth2_provider's own URLs.{also}"
        found.append(checks.Warning(text, hint=fix, id="api_guard.W025"))
    elif is_routed("introspect") and not _is_ours("introspect"):
        text = (
            "The authorization server uses the toolkit's own views: a public client can introspect "
            f"any token, and the consent page shows scopes that the user does not have.{also}"
        )
        found.append(checks.Warning(text, hint=fix, id="api_guard.W039"))
    if not is_routed("token"):
        text = "No route leads to the authorization server: no client can get a token here."
        hint = (
            f'{fix}, or API_GUARD["INTROSPECTION"] if tokens come from another site, or '
            'SILENCED_SYSTEM_CHECKS = ["api_guard.W026"].'
        )
        found.append(checks.Warning(text, hint=hint, id="api_guard.W026"))
    return found


def check_without_oauth2(app_configs: object = None, **_: object) -> list[CheckMessage]:
    """E098: a project that says that it has no access tokens has none."""
    del app_configs
    if conf.issues_tokens():
        return []
    return [
        Error(
            f"API_GUARD['OAUTH2'] is False, but clients get access tokens: {sign}.",
            hint='Remove "OAUTH2" from API_GUARD, or what accepts or issues the tokens.',
            id="api_guard.E098",
        )
        for sign in _signs_of_tokens()
    ]


def has_tokens() -> bool:
    """Whether clients get access tokens: unless the settings say no, and nothing contradicts."""
    return conf.issues_tokens() or bool(_signs_of_tokens())


def _signs_of_tokens() -> list[str]:
    signs = [
        f"{place} accepts them"
        for place, classes in authenticators()
        if any(map(takes_access_tokens, classes))
    ]
    signs += ["the toolkit's token endpoint is routed"] * is_routed("token")
    return list(dict.fromkeys(signs))


def check_introspection(app_configs: object = None, **_: object) -> list[CheckMessage]:
    """E034, W035, E036: the other server is set, and so is the audience of its tokens."""
    del app_configs
    found: list[CheckMessage] = []
    fix = (
        'API_GUARD = {"INTROSPECTION": {"URL": "https://...", "CLIENT_ID": "...", '
        '"CLIENT_SECRET": "...", "ISSUER": "https://..."}, ...}'
    )
    if _toolkit("RESOURCE_SERVER_INTROSPECTION_URL"):
        text = (
            "OAUTH2_PROVIDER['RESOURCE_SERVER_INTROSPECTION_URL'] takes the user of a token to be "
            "the user of the same name here; api_guard does not use it."
        )
        hint = f"{fix}, and api_guard.authentication.IntrospectionAuthentication."
        found.append(Error(text, hint=hint, id="api_guard.E034"))
    is_asked = any(
        issubclass(cls, IntrospectionAuthentication)
        for _, classes in authenticators()
        for cls in classes
    )
    if is_asked and conf.introspection() is None:
        text = "IntrospectionAuthentication has no server to ask: every token is answered with 503."
        found.append(Error(text, hint=fix, id="api_guard.E036"))
    elif is_asked and not tokens.audience():
        text = (
            "API_GUARD['AUDIENCE'] is not set: a token that the other server issued for another "
            "API, without naming it, is valid for this one."
        )
        hint = 'API_GUARD = {"AUDIENCE": ["https://api.example.com/"], ...}'
        found.append(checks.Warning(text, hint=hint, id="api_guard.W035"))
    return found


def check_introspection_transport(app_configs: object = None, **_: object) -> list[CheckMessage]:
    """E038: tokens and a secret are sent to the other server over TLS."""
    del app_configs
    asked = conf.introspection()
    if asked is None or asked.url.startswith("https://"):
        return []
    if is_loopback(asked.url):
        return []
    text = f"{asked.url} gets tokens and the secret of a client without TLS."
    hint = 'API_GUARD["INTROSPECTION"]["URL"] = "https://..."'
    return [Error(text, hint=hint, id="api_guard.E038")]


def _toolkit(name: str) -> Any:
    return (getattr(settings, "OAUTH2_PROVIDER", None) or {}).get(name)


def _is_guarded_validator(value: Any) -> bool:
    try:
        found = import_string(value) if isinstance(value, str) else value
    except ImportError:
        return False  # the toolkit reports why
    return isinstance(found, type) and issubclass(found, GuardedValidatorMixin)


def is_routed(name: str) -> bool:
    """Whether the URLconf routes this endpoint of the authorization server, by its toolkit name."""
    return _path_of(name) is not None


def _path_of(name: str) -> str | None:
    """Return the path of an endpoint as the URLconf reads it: without FORCE_SCRIPT_NAME."""
    if current_urlconf() is None:
        return None
    try:
        path = reverse(f"oauth2_provider:{name}")
    except NoReverseMatch:
        return None
    return f"/{path.removeprefix(get_script_prefix())}"


def _is_ours(name: str) -> bool:
    view: Any = resolve(str(_path_of(name))).func
    cls = getattr(view, "view_class", None)
    return isinstance(cls, type) and any(
        base.__module__.startswith("api_guard.") for base in cls.__mro__
    )
