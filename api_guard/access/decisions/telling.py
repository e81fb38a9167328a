"""Logs a decision, within the cap, and sends its signal."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from typing import Any

from django.dispatch import Signal
from django.http import HttpRequest

from api_guard.access.decisions.cap import SECONDS, Cap
from api_guard.access.decisions.lines import line_of
from api_guard.core.decision_records import DecisionRecord
from api_guard.signals import access_allowed, access_denied

logger = logging.getLogger("api_guard.decisions")

cap = Cap()


def is_allowed_told() -> bool:
    """Whether somebody logs or receives allowed requests."""
    return bool(access_allowed.receivers) or logger.isEnabledFor(logging.DEBUG)


def is_refused_told() -> bool:
    """Whether somebody logs or receives refusals."""
    return bool(access_denied.receivers) or logger.isEnabledFor(logging.WARNING)


def tell_allowed(record: DecisionRecord, sender: type | None, request: HttpRequest | None) -> None:
    """Log an allowed request, and send its signal."""
    if logger.isEnabledFor(logging.DEBUG):
        _log(logging.DEBUG, record)
    _send(access_allowed, record, sender, request)


def tell_refused(
    record: DecisionRecord, caller: str, sender: type | None, request: HttpRequest | None
) -> bool:
    """Log a refusal within the cap, and send its signal.

    Return whether it was logged or received. If not, its id leads nowhere.
    """
    is_logged = is_held_back_told() and tell_held_back(record, caller)
    _send(access_denied, record, sender, request)
    return is_logged or bool(access_denied.receivers)


def is_held_back_told() -> bool:
    """Whether refusals are logged."""
    return logger.isEnabledFor(logging.WARNING)


def tell_held_back(record: DecisionRecord, caller: str) -> bool:
    """Log a refusal within the cap. Return whether it was logged."""
    is_logged, suppressed = cap.take(caller)
    _log_suppressed(suppressed)
    if is_logged:
        _log(logging.WARNING, record)
    return is_logged


def _log(level: int, record: DecisionRecord) -> None:
    # An argument, because logging would format a percent sign in the message itself.
    logger.log(level, "%s", line_of(record), extra={"decision": record})


def _log_suppressed(suppressed: Mapping[str, int]) -> None:
    for caller, count in suppressed.items():
        said = {"suppressed": count, "caller": caller, "seconds": int(SECONDS)}
        logger.warning("%s", json.dumps(said), extra=said)


def _send(
    signal: Signal, record: DecisionRecord, sender: type | None, request: HttpRequest | None
) -> None:
    if not signal.receivers:
        return
    values: dict[str, Any] = {"decision": record, "request": request}
    try:
        signal.send_robust(sender, **values)
    except Exception:
        # Django cannot call a coroutine from inside an event loop.
        logger.exception("A receiver of a decision could not be called.")
