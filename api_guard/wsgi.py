"""Answers, before Django does, what its request cannot be built from."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from django.core.wsgi import get_wsgi_application as django_application

from api_guard.core.media_types import is_readable

BODY = b'{"detail": "The request cannot be read.", "code": "malformed_request"}'
HEADERS = [("Content-Type", "application/json"), ("Content-Length", str(len(BODY)))]


class Application:
    """A WSGI application around another one: 400 for a Content-Type that makes Django fail."""

    def __init__(self, application: Callable[..., Iterable[bytes]]) -> None:
        self.application = application

    def __call__(
        self, environ: dict[str, Any], start_response: Callable[..., Any]
    ) -> Iterable[bytes]:
        """Answer, or hand on."""
        if is_readable(str(environ.get("CONTENT_TYPE") or "")):
            return self.application(environ, start_response)
        start_response("400 Bad Request", [*HEADERS])
        return [BODY]


def get_wsgi_application() -> Application:
    """Return Django's application, wrapped: for the place of Django's function of this name."""
    return Application(django_application())
