"""Makes the record of a decision from what was read for the request, without a query."""

from __future__ import annotations

import secrets
from dataclasses import replace
from typing import Any

from django.http import HttpRequest, HttpResponseBase
from rest_framework.request import Request

from api_guard.access.callers import known_caller
from api_guard.access.decisions.telling import (
    is_allowed_told,
    is_held_back_told,
    is_refused_told,
    tell_allowed,
    tell_held_back,
    tell_refused,
)
from api_guard.access.endpoints import dotted_path, operation_of
from api_guard.core.caller import Caller
from api_guard.core.decision import Denial
from api_guard.core.decision_records import DecisionRecord, Lacks, Outcome, lacks_of, shortened
from api_guard.core.operations import Operation
from api_guard.core.requirements import Requirement
from api_guard.core.scopes import Credential
from api_guard.exceptions import RateLimited, Refusal
from api_guard.limits.addresses import address_of
from api_guard.limits.credentials import is_gated

# On a request: the refusals that were only reported.
_HELD_BACK = "_api_guard_held_back"


def record_allowed(view: Any, request: Request, requirement: Requirement | None) -> None:
    """Record that a view has allowed a request."""
    if not is_allowed_told():
        return
    http = request._request
    record = _record(Outcome.ALLOWED, http, view, requirement=requirement)
    tell_allowed(record, type(view), http)


def record_refused(
    refusal: Refusal, request: HttpRequest | None, view: Any = None, *, endpoint: Any = None
) -> None:
    """Record a refusal once. Put the id into the body if it was logged or received.

    `view` is the view that refuses. If the middleware refuses, `endpoint` is the class or the
    function of the view, if that is known.
    """
    if refusal.is_recorded:
        return
    refusal.is_recorded = True
    if not is_refused_told():
        return
    outcome = Outcome.UNAVAILABLE if refusal.status_code >= 500 else Outcome.REFUSED
    record = _record_of(outcome, refusal, request, view, endpoint)
    if tell_refused(record, _capped_as(record), _sender(view, endpoint), request):
        refusal.extend(decision=record.id)


def record_held_back(refusal: Refusal, request: HttpRequest, view: Any) -> None:
    """Log a refusal that is only reported. No signal is sent, and the client is told nothing.

    The middleware logs it with the answer that it sees; without the middleware it is logged now.
    """
    if not is_held_back_told():
        return
    record = _record_of(Outcome.WOULD_REFUSE, refusal, request, view, None)
    if is_gated(request):
        request.__dict__.setdefault(_HELD_BACK, []).append(record)
    else:
        _tell_held_back(record)


def record_answer(request: HttpRequest, response: HttpResponseBase) -> None:
    """Log the refusals that were only reported, with the status that the client got instead."""
    for record in request.__dict__.pop(_HELD_BACK, ()):
        _tell_held_back(replace(record, answered=response.status_code))


def _tell_held_back(record: DecisionRecord) -> None:
    # Per operation, so that one operation does not use up the lines of the others.
    tell_held_back(record, f"{_capped_as(record)} {record.method} {record.view}")


def _record_of(
    outcome: Outcome, refusal: Refusal, request: HttpRequest | None, view: Any, endpoint: Any
) -> DecisionRecord:
    exceeded = refusal.body.get("rate") if isinstance(refusal, RateLimited) else None
    return _record(
        outcome,
        request,
        view,
        endpoint=endpoint,
        reason=str(refusal.detail.code),
        because=refusal.because,
        status=refusal.status_code,
        requirement=refusal.requirement,
        rate=str(exceeded or ""),
        wait=None if refusal.wait is None else int(refusal.wait),
    )


def record_hidden(request: HttpRequest, view: Any, reason: str) -> None:
    """Record a 404 of a view with an object rule. The answer must not tell that there was one."""
    if is_refused_told():
        record = _record(Outcome.REFUSED, request, view, reason=reason, status=404)
        tell_refused(record, _capped_as(record), type(view), request)


def _record(
    outcome: Outcome,
    http: HttpRequest | None,
    view: Any,
    *,
    endpoint: Any = None,
    reason: str = "",
    because: str = "",
    status: int | None = None,
    requirement: Requirement | None = None,
    rate: str = "",
    wait: int | None = None,
) -> DecisionRecord:
    known = None if http is None else known_caller(http)
    caller = None if known is None else known.caller
    is_known = caller is not None and caller.is_authenticated
    match = getattr(http, "resolver_match", None)
    operation = _operation(view, http, match)
    endpoint = endpoint if view is None else type(view)
    lacks = Lacks()
    if outcome is not Outcome.ALLOWED and requirement is not None and known is not None:
        lacks = lacks_of(
            requirement,
            known.caller.credential,
            known.caller.carried,
            known.granted,
            known.scopes,
        )
    standing = None if requirement is None else requirement.standing
    return DecisionRecord(
        id=secrets.token_hex(16),
        outcome=outcome.value,
        reason=reason,
        because=because or _because(reason, caller),
        status=status,
        method=shortened(operation.method),
        action=operation.action or "",
        path=shortened(getattr(http, "path_info", "")),
        route=shortened(str(getattr(match, "route", "") or "")),
        view="" if endpoint is None else dotted_path(endpoint),
        user=_text(None if caller is None else caller.user_id),
        client=_text(None if caller is None else caller.client_id),
        credential="" if caller is None else caller.credential.value,
        standing="" if caller is None else caller.standing.name,
        address="" if http is None or is_known else address_of(http),
        requires_standing="" if standing is None else standing.name,
        requires_scopes=() if requirement is None else requirement.scopes,
        token_lacks=lacks.token,
        user_lacks=lacks.user,
        client_lacks=lacks.client,
        rate=rate,
        wait=wait,
    )


def _operation(view: Any, http: HttpRequest | None, match: Any) -> Operation:
    if view is not None:
        return operation_of(view, getattr(view, "request", None) or http)
    method = str(getattr(http, "method", None) or "")
    actions = getattr(getattr(match, "func", None), "actions", None) or {}
    return Operation(method, actions.get(method.lower()))


def _because(reason: str, caller: Caller | None) -> str:
    """Say why the caller cannot have any scope, even if scopes are granted."""
    if caller is None or reason != Denial.INSUFFICIENT_SCOPE.value:
        return ""
    if caller.credential is Credential.UNKNOWN:
        return "scopes_not_reported"
    is_clientless = caller.credential is Credential.TOKEN and caller.client_id is None
    return "clientless_token" if is_clientless else ""


def _sender(view: Any, endpoint: Any) -> type | None:
    sender = endpoint if view is None else type(view)
    return sender if isinstance(sender, type) else None


def _text(key: object) -> str | None:
    return None if key is None else str(key)


def _capped_as(record: DecisionRecord) -> str:
    if record.user is not None:
        return f"user:{record.user}"
    return f"client:{record.client}" if record.client is not None else f"address:{record.address}"
