"""Records every decision: a line in the log `api_guard.decisions`, and a signal."""

from api_guard.access.decisions.lines import is_unsigned, read_line
from api_guard.access.decisions.recording import (
    record_allowed,
    record_answer,
    record_held_back,
    record_hidden,
    record_refused,
)

__all__ = [
    "is_unsigned",
    "read_line",
    "record_allowed",
    "record_answer",
    "record_held_back",
    "record_hidden",
    "record_refused",
]
