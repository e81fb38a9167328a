"""Tells of a decision: in the log, within the cap, and by a signal."""

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
    """Whether anybody wants to know of an admission."""
    return bool(access_allowed.receivers) or logger.isEnabledFor(logging.DEBUG)


def is_refused_told() -> bool:
    """Whether anybody wants to know of a refusal."""
    return bool(access_denied.receivers) or logger.isEnabledFor(logging.WARNING)


def tell_allowed(record: DecisionRecord, sender: type | None, request: HttpRequest | None) -> None:
    """Log an admission, and send its signal."""
    if logger.isEnabledFor(logging.DEBUG):
        _log(logging.DEBUG, record)
    _send(access_allowed, record, sender, request)


def tell_refused(
    record: DecisionRecord, caller: str, sender: type | None, request: HttpRequest | None
) -> bool:
    """Log a refusal unless its caller had too many, and send its signal.

    Return whether anybody was told: without that, nothing can be found by the id.
    """
    is_logged = False
    if logger.isEnabledFor(logging.WARNING):
        is_logged, suppressed = cap.take(caller)
        _log_suppressed(suppressed)
        if is_logged:
            _log(logging.WARNING, record)
    _send(access_denied, record, sender, request)
    return is_logged or bool(access_denied.receivers)


def _log(level: int, record: DecisionRecord) -> None:
    # As an argument, so that no percent sign in it is taken for a place.
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
        # Receivers that are coroutines, asked in an event loop.
        logger.exception("A receiver of a decision could not be called.")
