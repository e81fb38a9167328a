"""Answers requests that Django cannot build a request object from, and endless bodies."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.core.asgi import get_asgi_application as django_application
from django.urls import Resolver404, resolve
from django.utils.translation import get_language, get_language_from_path, override

from api_guard import conf
from api_guard.core.media_types import content_length
from api_guard.wsgi import BODY, is_readable

if TYPE_CHECKING:
    from api_guard.core.limits import Limits

Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]

_TOO_LARGE = b'{"detail": "The body is too large.", "code": "body_too_large"}'
_NO_LENGTH = b'{"detail": "Send the body with a Content-Length.", "code": "length_required"}'


class Application:
    """An ASGI application around another one.

    It answers 400 for a Content-Type that makes Django fail and for an invalid Content-Length, 411
    for a body of unknown length, and 413 for a body that is larger than the guarded view accepts.
    Otherwise Django would store the whole body on disk before it looks for a view.
    """

    def __init__(self, application: Callable[..., Awaitable[None]]) -> None:
        self.application = application

    async def __call__(self, scope: dict[str, Any], receive: Receive, send: Send) -> None:
        """Answer, or call the inner application."""
        if scope["type"] != "http":
            return await self.application(scope, receive, send)
        fields = _fields(scope)
        refused = _refusal(scope, fields)
        if refused is None and not fields.get("content-length"):
            # HTTP/2 may send no length. The first message shows whether there is a body.
            first = await receive()
            if first.get("body") or first.get("more_body"):
                refused = 411, _NO_LENGTH
            receive = _again(first, receive)
        if refused is not None:
            return await _answer(scope, send, *refused)
        return await self.application(scope, receive, send)


def _fields(scope: dict[str, Any]) -> dict[str, str]:
    fields: dict[str, str] = {}
    for raw, value in scope["headers"]:
        name, text = raw.decode("latin-1").lower(), value.decode("latin-1")
        # Django joins a field that was sent twice.
        fields[name] = f"{fields[name]},{text}" if name in fields else text
    return fields


def _refusal(scope: dict[str, Any], fields: dict[str, str]) -> tuple[int, bytes] | None:
    if not is_readable(fields.get("content-type", "")):
        return 400, BODY
    try:
        length = content_length(fields.get("content-length"))
    except ValueError:
        return 400, BODY
    if "transfer-encoding" in fields:
        # A Content-Length beside it does not count (RFC 9112 §6.3).
        return 411, _NO_LENGTH
    is_upload = fields.get("content-type", "").strip().lower().startswith("multipart/")
    # If every view accepts this size, do not look for the view.
    if length is None or length <= conf.limits().bytes:
        return None
    prefix = settings.FORCE_SCRIPT_NAME or scope.get("root_path") or ""
    limits = _limits_at(scope["path"].removeprefix(prefix))
    most = None if limits is None else (limits.upload if is_upload else limits.bytes)
    return (413, _TOO_LARGE) if most is not None and length > most else None


def _limits_at(path: str) -> Limits | None:
    """Return the limits of a body for `path`; None if the view is not guarded."""
    # A project imports this module before Django is set up, which views need.
    from api_guard.access.endpoints import Status, policy_of, status_of, view_class_of
    from api_guard.parsers.reading import limits_of

    try:
        # A path of i18n_patterns() resolves only in its own language, which is not set yet.
        with override(get_language_from_path(path) or get_language()):
            view = resolve(path).func
    except Resolver404:
        # A middleware may choose another URLconf, in which it is an upload.
        limits = conf.limits()
        return limits.but({"bytes": max(limits.bytes, limits.upload)})
    view_class = view_class_of(view)
    if policy_of(view_class) is not None:
        return limits_of(view_class)
    is_refused = status_of(view, path) not in (None, Status.EXEMPT)
    return conf.limits() if is_refused else None


def _again(first: dict[str, Any], receive: Receive) -> Receive:
    """Return a `receive` that returns the first message again, and then the others."""
    waiting = [first]

    async def receive_again() -> dict[str, Any]:
        return waiting.pop() if waiting else await receive()

    return receive_again


async def _answer(scope: dict[str, Any], send: Send, status: int, body: bytes) -> None:
    headers = [
        (b"content-type", b"application/json"),
        (b"content-length", str(len(body)).encode()),
    ]
    if str(scope.get("http_version", "1.1")).startswith("1"):
        # Do not wait for the rest of the body. HTTP/2 has no such field.
        headers.append((b"connection", b"close"))
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


def get_asgi_application() -> Application:
    """Return Django's application, wrapped. Use it instead of Django's function of this name."""
    return Application(django_application())
