"""Reads the host of the site, for requests that nobody sends."""

from __future__ import annotations

from django.conf import settings


def own_host() -> str:
    """Return a host that `ALLOWED_HOSTS` allows, where there is one."""
    named = [host.removeprefix(".") for host in settings.ALLOWED_HOSTS if host != "*"]
    # Django allows it where DEBUG is on and ALLOWED_HOSTS is empty.
    return named[0] if named else "localhost"
