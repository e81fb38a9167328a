"""Refuses a secret that others can read: it came without TLS or in the query string."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponseBase
from django.urls import Resolver404, resolve
from django.utils.translation import get_language, get_language_from_path, override

from api_guard import conf, tokens
from api_guard.access.decisions import record_refused
from api_guard.access.endpoints import endpoint_of, status_of
from api_guard.authentication import resource_metadata
from api_guard.exceptions import InsecureTransport, Refusal, TokenInQuery


def refuse_exposed(
    request: HttpRequest, view: Callable[..., Any] | None = None
) -> HttpResponseBase | None:
    """Refuse a request with a secret that others can read. Not even a redirect may answer it."""
    if _is_plaintext(request) and _is_concerned(request, view):
        return _refused(InsecureTransport(), request, view)
    has_token = "access_token" in request.META.get("QUERY_STRING", "")
    if has_token and "access_token" in request.GET and _is_concerned(request, view):
        return _refused(TokenInQuery(resource_metadata(request)), request, view)
    return None


def _refused(
    refusal: Refusal, request: HttpRequest, view: Callable[..., Any] | None
) -> HttpResponseBase:
    endpoint = None if view is None else endpoint_of(view)
    record_refused(refusal, request, endpoint=endpoint)
    return refusal.answer()


def revoke_exposed(request: HttpRequest) -> None:
    """Revoke the exposed tokens of a refused request, if the project's settings say so."""
    if not conf.revoke_exposed_tokens():
        return
    scheme, _, token = request.META.get("HTTP_AUTHORIZATION", "").partition(" ")
    if scheme.lower() == "bearer" and _is_plaintext(request):
        tokens.revoke_exposed(token.strip())
    for named in request.GET.getlist("access_token"):
        tokens.revoke_exposed(named)


def _is_plaintext(request: HttpRequest) -> bool:
    # A redirect would work, and so teach clients to send their tokens without TLS.
    if settings.SECURE_SSL_REDIRECT is not True or request.is_secure():
        return False
    path = request.path_info.lstrip("/")
    return not any(re.search(pattern, path) for pattern in settings.SECURE_REDIRECT_EXEMPT)


def _is_concerned(request: HttpRequest, view: Callable[..., Any] | None) -> bool:
    path = request.path_info
    if view is None:
        try:
            # A path of i18n_patterns() resolves only in its own language, which is not set yet.
            with override(get_language_from_path(path) or get_language()):
                view = resolve(path, getattr(request, "urlconf", None)).func
        except Resolver404:
            return False
    return status_of(view, path) is not None
