"""Writes the RateLimit fields of draft-ietf-httpapi-ratelimit-headers-11."""

from __future__ import annotations

from collections.abc import Iterable

from api_guard.core.rates.usage import Usage


def rate_limit_fields(usages: Iterable[Usage]) -> dict[str, str]:
    """Write RateLimit-Policy (§3) and RateLimit (§4), one item for each rate.

    An item is a String of RFC 9651 §3.3.3. The name of a rate needs no escapes.
    """
    policies, limits = [], []
    for usage in usages:
        name = f'"{usage.rate.name}"'
        policies.append(f"{name};q={usage.rate.limit};w={usage.rate.seconds}")
        limits.append(f"{name};r={usage.remaining};t={usage.reset}")
    if not policies:
        return {}
    return {"RateLimit-Policy": ", ".join(policies), "RateLimit": ", ".join(limits)}
