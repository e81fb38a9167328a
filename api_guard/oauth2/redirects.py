"""The URIs that this site may send a code to."""

from __future__ import annotations

from django.conf import settings

from api_guard.core.redirects import is_in_clear


def may_redirect_to(uri: str) -> bool:
    """Whether a code may be sent to `uri`.

    A site with only TLS (`SECURE_SSL_REDIRECT`) sends codes without TLS only to the loopback
    interface, for native and command line clients (RFC 9700 §2.1, RFC 8252 §7.3).
    """
    return settings.SECURE_SSL_REDIRECT is not True or not is_in_clear(uri)
