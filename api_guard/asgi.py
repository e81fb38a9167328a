"""Answers, before Django does, what its request cannot be built from, and bodies without end."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from django.core.asgi import get_asgi_application as django_application
from django.urls import Resolver404, resolve

from api_guard import conf
from api_guard.core.media_types import content_length, is_readable
from api_guard.wsgi import BODY

Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]

_TOO_LARGE = b'{"detail": "The body is too large.", "code": "body_too_large"}'


class Application:
    """An ASGI application around another one.

    It answers 400 for a Content-Type that makes Django fail, and 413 for a body that is larger than
    the guarded view takes: Django stores a body whole before it looks for a view.
    """

    def __init__(self, application: Callable[..., Awaitable[None]]) -> None:
        self.application = application

    async def __call__(self, scope: dict[str, Any], receive: Receive, send: Send) -> None:
        """Answer, or hand on."""
        if scope["type"] == "http":
            fields = {name: value.decode("latin-1") for name, value in scope["headers"]}
            if not is_readable(fields.get(b"content-type", "")):
                return await _answer(send, 400, BODY)
            if _is_too_large(scope, fields):
                return await _answer(send, 413, _TOO_LARGE)
        return await self.application(scope, receive, send)


def _is_too_large(scope: dict[str, Any], fields: dict[bytes, str]) -> bool:
    # A project imports this module before Django is set up, which views need.
    from api_guard.endpoints import policy_of, view_class_of
    from api_guard.parsers.reading import limits_of

    try:
        length = content_length(fields.get(b"content-length"))
    except ValueError:
        return False  # for the guard to refuse
    # What any view takes needs no view to be looked for.
    if length is None or length <= conf.limits().bytes:
        return False
    path = scope["path"].removeprefix(scope.get("root_path", ""))
    try:
        view_class = view_class_of(resolve(path).func)
    except Resolver404:
        return False
    if policy_of(view_class) is None:
        return False
    limits = limits_of(view_class)
    is_upload = fields.get(b"content-type", "").startswith("multipart/")
    return length > (limits.upload if is_upload else limits.bytes)


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
