"""Answers requests that Django cannot build a request object from."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from django.core.wsgi import get_wsgi_application as django_application
from django.utils.http import parse_header_parameters

from api_guard.core.media_types import is_readable_charset

BODY = b'{"detail": "The request cannot be read.", "code": "malformed_request"}'
HEADERS = [("Content-Type", "application/json"), ("Content-Length", str(len(BODY)))]


class Application:
    """A WSGI application around another one: 400 for a Content-Type that crashes Django."""

    def __init__(self, application: Callable[..., Iterable[bytes]]) -> None:
        self.application = application

    def __call__(
        self, environ: dict[str, Any], start_response: Callable[..., Any]
    ) -> Iterable[bytes]:
        """Answer, or call the inner application."""
        if is_readable(str(environ.get("CONTENT_TYPE") or "")):
            return self.application(environ, start_response)
        start_response("400 Bad Request", [*HEADERS])
        return [BODY]


def is_readable(content_type: str) -> bool:
    """Whether Django can build a request around a Content-Type field without failing or hanging.

    It reads the parameters with a parser of its own, looks up the charset, and reads the query
    string in it. Asked is that parser, for another may see another charset.
    """
    if ";" in content_type and ("*" in content_type or not content_type.isascii()):
        # Parameters written as `name*=charset'language'value` (RFC 8187) are decoded.
        return False
    try:
        _, parameters = parse_header_parameters(content_type)
    except Exception:  # noqa: BLE001  # whatever it raises, it would raise again, and be a 500
        return False
    return is_readable_charset(parameters.get("charset"))


def get_wsgi_application() -> Application:
    """Return Django's application, wrapped. Use it instead of Django's function of this name."""
    return Application(django_application())
