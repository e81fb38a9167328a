"""Reads a streamed answer under the object rules of the handler that returned it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextvars import copy_context
from typing import Any

from asgiref.sync import sync_to_async

from api_guard.access.vetting import (
    Vetting,
    has_concluded,
    is_lazy,
    settle,
    within,
)

# How many parts of the stream may wait until the object rule has run.
_MOST_WAITING = 100


def within_stream(vetting: Vetting, response: Any) -> Any:
    """Return `response`. The object rule also applies to objects that its generator saves."""
    if is_lazy(response):
        content: Any = response.streaming_content
        response.streaming_content = (
            _later(vetting, content) if response.is_async else _at_once(vetting, content)
        )
    return response


def _at_once(vetting: Vetting, content: Any) -> Iterator[Any]:
    parts, done, part = iter(content), object(), None
    waiting: list[Any] = []
    # Use a separate context: between two parts, the server's code runs in this thread.
    context = copy_context()

    def step() -> tuple[Any, bool]:
        with within(vetting):
            found = next(parts, done)
            return found, _conclude(vetting, waiting, is_last=found is done)

    while part is not done:
        part, may_be_sent = context.run(step)
        if part is not done:
            waiting.append(part)
        if may_be_sent:
            yield from waiting
            waiting.clear()


async def _later(vetting: Vetting, content: Any) -> AsyncIterator[Any]:
    parts, done, part = aiter(content), object(), None
    waiting: list[Any] = []
    while part is not done:
        with within(vetting):
            part = await anext(parts, done)
            may_be_sent = not vetting.is_open and not vetting.pending
            if not may_be_sent:
                may_be_sent = await sync_to_async(_conclude)(vetting, waiting, is_last=part is done)
        if part is not done:
            waiting.append(part)
        if may_be_sent:
            for each in waiting:
                yield each
            waiting.clear()


def _conclude(vetting: Vetting, waiting: list[Any], *, is_last: bool) -> bool:
    settle(vetting)
    is_over = (is_last and any(waiting)) or len(waiting) >= _MOST_WAITING
    return has_concluded(vetting, is_last=is_over)
