"""Settings of notices: who gets the digest by mail, and how early."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from django.core.exceptions import ValidationError
from django.core.validators import validate_email

from api_guard.conf.values import Rule, is_count, read, strings

_KEYS = ("to", "base_url", "from", "days")
EXPIRING_DAYS = 7
_LONGEST = 365


@dataclass(frozen=True)
class Notices:
    """`base_url` begins the links, "" for no links. Without `sender`, Django's default is used."""

    recipients: tuple[str, ...]
    base_url: str
    sender: str | None
    days: int


def notices() -> Notices | None:
    """The settings of notices; None if they are not set or wrong, so that nothing is sent."""
    value = read("NOTICES")
    if not isinstance(value, Mapping) or not _is_right(value):
        return None
    url, sender, days = value.get("base_url", ""), value.get("from"), value.get("days")
    return Notices(
        strings(value["to"]) or (),
        str(url).rstrip("/"),
        None if sender is None else str(sender),
        EXPIRING_DAYS if days is None else int(days),
    )


def _is_right(value: object) -> bool:
    if not isinstance(value, Mapping) or "to" not in value or not set(value) <= set(_KEYS):
        return False
    addresses = strings(value["to"])
    sender, url, days = value.get("from"), value.get("base_url", ""), value.get("days", 1)
    return (
        addresses is not None
        and all(map(_is_address, addresses))
        and (sender is None or _is_address(sender))
        and isinstance(url, str)
        and (url == "" or (url.startswith(("https://", "http://")) and url.isprintable()))
        and is_count(days)
        and 0 < days <= _LONGEST
    )


def _is_address(value: object) -> bool:
    try:
        validate_email(value if isinstance(value, str) else None)
    except ValidationError:
        return False
    return True


RULES: dict[str, Rule] = {
    "NOTICES": (
        _is_right,
        'must be a mapping with "to", a list of e-mail addresses, and perhaps "base_url", "from" '
        f'and "days", a whole number from 1 to {_LONGEST}',
        '{"to": ["security@example.com"], "base_url": "https://api.example.com"}',
    ),
}
