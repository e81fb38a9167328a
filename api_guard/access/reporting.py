"""Lets the earlier permissions answer if a refusal is only reported."""

from __future__ import annotations

from typing import Any

from api_guard import conf
from api_guard.access.decisions import record_held_back
from api_guard.access.failures import failures_as_refusals
from api_guard.access.record import http_of
from api_guard.core.caller import Standing
from api_guard.core.report_only import ReportOnly
from api_guard.core.requirements import Requirement
from api_guard.exceptions import Refusal

# Attribute of a view instance: what answers instead of its refusals.
REPORTED = "_api_guard_reported"
# Attribute of a request: what was reported about it.
_TOLD = "_api_guard_told"


def reported_at(request: Any, requirement: Requirement | None = None) -> ReportOnly | None:
    """Return what answers instead of a refusal; None if the guard enforces.

    It always enforces STAFF, sensitive scopes, and scopes that are not declared.
    """
    if not conf.is_set("REPORT_ONLY"):
        return None
    http = http_of(request)
    found = None if http is None else conf.report_only(http.path_info)
    return found if found is not None and _is_ordinary(requirement) else None


def _is_ordinary(requirement: Requirement | None) -> bool:
    if requirement is None:
        return True
    if requirement.standing is Standing.STAFF:
        return False
    terms = conf.scope_terms()
    return all(name in terms and not terms[name].is_sensitive for name in requirement.scope_names)


def tell(refusal: Refusal, request: Any, view: Any) -> None:
    """Log what the guard would have refused, once for each reason. Probes are not logged."""
    http: Any = http_of(request)
    if request.method != http.method:
        return
    told: set[object] = http.__dict__.setdefault(_TOLD, set())
    scopes = refusal.requirement and refusal.requirement.scopes
    key = (type(view), str(refusal.detail.code), scopes)
    if key not in told:
        told.add(key)
        record_held_back(refusal, http, view)


def ask(found: ReportOnly, view: Any, request: Any) -> None:
    """Ask the earlier permissions, as DRF does. Only True allows."""
    for permission in _permissions(found, view):
        with failures_as_refusals(view, "a permission"):
            is_admitted = permission.has_permission(request, view) is True
        _deny_unless(is_admitted, permission, view, request)


def ask_object(found: ReportOnly, view: Any, request: Any, obj: Any) -> None:
    """Ask the earlier permissions about an object."""
    for permission in _permissions(found, view):
        with failures_as_refusals(view, "an object permission"):
            is_admitted = permission.has_object_permission(request, view, obj) is True
        _deny_unless(is_admitted, permission, view, request)


def _permissions(found: ReportOnly, view: Any) -> list[Any]:
    if not _had_default(view):
        return []
    return [cls() for cls in conf.fallback_classes(found)]


def _had_default(view: Any) -> bool:
    """Whether the default decided before; else the view's own permissions did, and still do.

    An empty list counts as the default: it would let in everybody whom the guard refuses.
    """
    with failures_as_refusals(view, "get_permissions()"):
        permissions = view.get_permissions()
        return not permissions or any(map(_stands_in, permissions))


def _stands_in(permission: Any) -> bool:
    sides = (getattr(permission, name, None) for name in ("op1", "op2"))
    parts = [side for side in sides if side is not None]
    if parts:
        return any(map(_stands_in, parts))
    return getattr(permission, "replaces_default", False) is True


def _deny_unless(is_admitted: bool, permission: Any, view: Any, request: Any) -> None:
    if not is_admitted:
        view.permission_denied(
            request,
            message=getattr(permission, "message", None),
            code=getattr(permission, "code", None),
        )


def report(found: ReportOnly, view: Any) -> None:
    """Make a view without a guard ask the earlier permissions about its objects too."""
    if REPORTED in view.__dict__:
        return
    view.__dict__[REPORTED] = found
    whole = view.check_object_permissions

    def check_object_permissions(request: Any, obj: Any) -> None:
        ask_object(found, view, request, obj)
        whole(request, obj)

    view.__dict__["check_object_permissions"] = check_object_permissions
