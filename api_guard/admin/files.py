"""Answers with a file that is written piece by piece, however long it is."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from typing import Any

from asgiref.sync import sync_to_async
from django.core.handlers.asgi import ASGIRequest
from django.http import HttpRequest, StreamingHttpResponse

TYPES = {
    "csv": "text/csv; charset=utf-8",
    "json": "application/json",
    "jsonl": "application/jsonl; charset=utf-8",
}


def file_of(request: HttpRequest, pieces: Iterator[str], name: str) -> StreamingHttpResponse:
    """Return a file to download. The end of its name says what it is. It needs little memory."""
    # Django would read a plain iterator at once under ASGI, with the whole file in memory.
    said: Any = _slowly(pieces) if isinstance(request, ASGIRequest) else pieces
    response = StreamingHttpResponse(said, content_type=TYPES[name.rpartition(".")[2]])
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    response["X-Content-Type-Options"] = "nosniff"
    return response


async def _slowly(pieces: Iterator[str]) -> AsyncIterator[str]:
    take = sync_to_async(lambda: next(pieces, None))
    while (piece := await take()) is not None:
        yield piece
