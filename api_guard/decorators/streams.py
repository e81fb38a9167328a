"""Consumes a stream under the object rules of the handler that answered with it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from typing import Any

from asgiref.sync import sync_to_async

from api_guard.vetting import (
    Statements,
    Vetting,
    conclude_part,
    is_lazy,
    listening,
    settle,
    within,
)


def within_stream(vetting: Vetting, response: Any) -> Any:
    """Return `response`; what its generator saves is held as what the handler saved."""
    if is_lazy(response):
        content: Any = response.streaming_content
        response.streaming_content = (
            _later(vetting, content) if response.is_async else _at_once(vetting, content)
        )
    return response


@contextmanager
def _held(vetting: Vetting) -> Iterator[None]:
    with within(vetting), listening(Statements(vetting)):
        yield


def _at_once(vetting: Vetting, content: Any) -> Iterator[Any]:
    parts, done = iter(content), object()
    while True:
        # For each part anew: between two parts, the server's code runs in this context.
        with _held(vetting):
            part = next(parts, done)
            settle(vetting)
            if part is not done:
                conclude_part(vetting)
        if part is done:
            return
        yield part


async def _later(vetting: Vetting, content: Any) -> AsyncIterator[Any]:
    parts, done = aiter(content), object()
    while True:
        with _held(vetting):
            part = await anext(parts, done)
            if vetting.pending:
                await sync_to_async(settle)(vetting)
            if part is not done and vetting.rule is not None and not vetting.has_run:
                await sync_to_async(conclude_part)(vetting)
        if part is done:
            return
        yield part
