"""Answers, before Django does, what its request cannot be built from, and bodies without end."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from django.core.asgi import get_asgi_application as django_application

from api_guard import conf
from api_guard.core.media_types import content_length, is_readable
from api_guard.wsgi import BODY, HEADERS

Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]

_TOO_LARGE = b'{"detail": "The body is too large.", "code": "body_too_large"}'


class Application:
    """An ASGI application around another one: 400 for a Content-Type that makes Django fail, and
    413 for a body that is larger than any view takes. Django itself stores a body whole before it
    looks for a view.
    """

    def __init__(self, application: Callable[..., Awaitable[None]]) -> None:
        self.application = application

    async def __call__(self, scope: dict[str, Any], receive: Receive, send: Send) -> None:
        """Answer, or hand on."""
        if scope["type"] != "http":
            return await self.application(scope, receive, send)
        fields = dict(scope["headers"])
        if not is_readable(fields.get(b"content-type", b"").decode("latin-1")):
            return await _answer(send, 400, BODY)
        return await self.application(scope, receive, send)


async def _answer(send: Send, status: int, body: bytes) -> None:
    headers = [
        (b"content-type", b"application/json"),
        (b"content-length", str(len(body)).encode()),
    ]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


def get_asgi_application() -> Application:
    """Return Django's application, wrapped: for the place of Django's function of this name."""
    return Application(django_application())
