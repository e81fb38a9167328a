"""Says at start what is open, undeclared or wrongly set, and the line that mends it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from django.conf import settings
from django.core import checks
from django.core.checks import CheckMessage, Error
from rest_framework.settings import api_settings

from api_guard import conf
from api_guard.authentication import OAuth2Authentication
from api_guard.callers import ScopedAuthentication, is_unscoped
from api_guard.core.scopes import did_you_mean
from api_guard.endpoints import Route, Status, dotted_path, endpoints, plain_view, routes
from api_guard.permissions import Guarded, HasScopes


def check_settings(app_configs: object = None, **_: object) -> list[CheckMessage]:
    """E001: everything in API_GUARD is known and well-formed."""
    del app_configs
    return [
        Error(
            f"API_GUARD: {mistake.name} {mistake.problem}", hint=mistake.mend, id="api_guard.E001"
        )
        for mistake in conf.mistakes()
    ]


def check_endpoints(app_configs: object = None, **_: object) -> list[CheckMessage]:
    """E002: every routed view has a guard, or is exempt."""
    del app_configs
    unguarded: dict[str, list[str]] = {}
    for endpoint in endpoints():
        if endpoint.status is Status.UNGUARDED:
            unguarded.setdefault(endpoint.view, []).append(endpoint.route)
    return [
        Error(
            f"{view} is routed at {paths[0]} and has no guard.",
            hint='Write @guard(read="some:scope", write="some:scope") above it, or name it in '
            f'API_GUARD["EXEMPT"] = {{"{view}": "the reason"}}.',
            id="api_guard.E002",
        )
        for view, paths in unguarded.items()
    ]


def check_scopes(app_configs: object = None, **_: object) -> list[CheckMessage]:
    """E003: every scope that a view demands is declared."""
    del app_configs
    declared = conf.scopes()
    missing: dict[str, str] = {}
    for view, name in _demanded():
        if name not in declared:
            missing.setdefault(name, view)
    return [
        Error(
            f"{view} demands the scope {name!r}, which is not declared."
            f"{did_you_mean(name, declared)}",
            hint=f'API_GUARD["SCOPES"] = {{..., "{name}": "What it lets its holder do"}}',
            id="api_guard.E003",
        )
        for name, view in missing.items()
    ]


def endpoint_name(route: Route) -> str:
    """Return the dotted path of the view that a route leads to."""
    return dotted_path(route.view_class or plain_view(route.callback))


def _demanded() -> Iterator[tuple[str, str]]:
    for endpoint in endpoints():
        if endpoint.demand is not None:
            yield from ((endpoint.view, name) for name in endpoint.demand.scope_names)
    for route in routes():
        for permission in getattr(route.view_class, "permission_classes", ()):
            if isinstance(permission, HasScopes):
                view = endpoint_name(route)
                yield from ((view, name) for name in permission.demand.scope_names)


def check_silence(app_configs: object = None, **_: object) -> list[CheckMessage]:
    """E004: every routed operation has a demand."""
    del app_configs
    silent: dict[tuple[str, str, str], None] = {}
    for endpoint in endpoints():
        operation = endpoint.operation
        # HEAD follows GET, and OPTIONS is routed by DRF, not by anybody's choice.
        if operation.method in ("HEAD", "OPTIONS"):
            continue
        if endpoint.policy is not None and endpoint.demand is None:
            name = operation.action or operation.method
            silent.setdefault((endpoint.view, name, operation.slot))
    return [
        Error(
            f"{view} routes {name}, and its guard says nothing of it: it is refused.",
            hint=f'Write {slot}=... or actions={{"{name}": ...}} in its @guard.',
            id="api_guard.E004",
        )
        for view, name, slot in silent
    ]


def check_default_permission(app_configs: object = None, **_: object) -> list[CheckMessage]:
    """E005: what nobody declared is refused by default."""
    del app_configs
    classes: Any = api_settings.DEFAULT_PERMISSION_CLASSES  # the stubs show the names, not these
    if list(classes) == [Guarded]:
        return []
    return [
        Error(
            "REST_FRAMEWORK['DEFAULT_PERMISSION_CLASSES'] is not Guarded, so that a view without "
            "a guard is open to whom DRF admits.",
            hint='REST_FRAMEWORK = {"DEFAULT_PERMISSION_CLASSES": '
            '["api_guard.permissions.Guarded"], ...}',
            id="api_guard.E005",
        )
    ]


def check_authentication(app_configs: object = None, **_: object) -> list[CheckMessage]:
    """E006: every authenticator in use says scopes, or is listed as unscoped."""
    del app_configs
    silent: dict[type, str] = {}
    for place, classes in _authenticators():
        for cls in classes:
            if not is_unscoped(cls) and not issubclass(cls, ScopedAuthentication):
                silent.setdefault(cls, place)
    return [
        Error(
            f"{dotted_path(cls)}, in {place}, says no scopes: its callers hold none.",
            hint=_authentication_hint(cls),
            id="api_guard.E006",
        )
        for cls, place in silent.items()
    ]


def _authenticators() -> Iterator[tuple[str, Iterable[type]]]:
    default: Any = api_settings.DEFAULT_AUTHENTICATION_CLASSES
    yield "REST_FRAMEWORK['DEFAULT_AUTHENTICATION_CLASSES']", default
    for route in routes():
        initkwargs: dict[str, Any] = getattr(route.callback, "initkwargs", {})
        own = getattr(route.view_class, "authentication_classes", ())
        yield endpoint_name(route), initkwargs.get("authentication_classes", own)


def _authentication_hint(cls: type) -> str:
    if cls.__name__ == OAuth2Authentication.__name__:
        return f"Use {dotted_path(OAuth2Authentication)} in its place."
    return (
        "Where it stands for a user in person, "
        f'API_GUARD["UNSCOPED_AUTHENTICATION"] = [..., "{dotted_path(cls)}"]; '
        "where it is a token, give it token_scopes(auth) and token_client(auth)."
    )


def check_scopes_backend(app_configs: object = None, **_: object) -> list[CheckMessage]:
    """E007: django-oauth-toolkit issues only granted scopes."""
    del app_configs
    values = getattr(settings, "OAUTH2_PROVIDER", {})
    if values.get("SCOPES_BACKEND_CLASS") == "api_guard.oauth2.GrantedScopes":
        return []
    return [
        Error(
            "OAUTH2_PROVIDER['SCOPES_BACKEND_CLASS'] is not GrantedScopes, so that a client may "
            "ask for scopes that were never granted to it.",
            hint='OAUTH2_PROVIDER["SCOPES_BACKEND_CLASS"] = "api_guard.oauth2.GrantedScopes"',
            id="api_guard.E007",
        )
    ]


def check_sanitizer(app_configs: object = None, **_: object) -> list[CheckMessage]:
    """W008: the HTML engine is a maintained one."""
    del app_configs
    if conf.sanitizer() != "bleach":
        return []
    return [
        checks.Warning(
            "API_GUARD['SANITIZER'] is bleach, which has been unmaintained since June 2026, "
            "security fixes included.",
            hint='API_GUARD["SANITIZER"] = "nh3", or leave it out.',
            id="api_guard.W008",
        )
    ]


CHECKS = (
    check_settings,
    check_endpoints,
    check_scopes,
    check_silence,
    check_default_permission,
    check_authentication,
    check_scopes_backend,
    check_sanitizer,
)
