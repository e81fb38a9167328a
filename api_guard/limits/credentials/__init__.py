"""Limits failed credentials: before a secret is verified, and after a token was refused."""

from api_guard.limits.credentials.attempts import Attempt, begin
from api_guard.limits.credentials.basic import account_of_basic
from api_guard.limits.credentials.blocks import Block, blocks, reached, release
from api_guard.limits.credentials.requests import (
    end,
    fail,
    held,
    is_gated,
    is_held,
    is_open,
    mark_gated,
    open_attempt,
    settle,
    succeed,
)
from api_guard.limits.credentials.strangers import count_bad, refuse_known_bad

__all__ = [
    "Attempt",
    "Block",
    "account_of_basic",
    "begin",
    "blocks",
    "count_bad",
    "end",
    "fail",
    "held",
    "is_gated",
    "is_held",
    "is_open",
    "mark_gated",
    "open_attempt",
    "reached",
    "refuse_known_bad",
    "release",
    "settle",
    "succeed",
]
