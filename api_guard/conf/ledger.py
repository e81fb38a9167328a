"""Settings of the ledger: its keys."""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Mapping

from django.conf import settings
from django.utils.encoding import force_bytes

from api_guard.conf.values import Rule, read
from api_guard.core.records import Key

SECRET_KEY = "secret-key"  # noqa: S105  # the name of a key, not a key
_SALT = b"api_guard.ledger"
_NAME = re.compile(r"[A-Za-z0-9._-]{1,50}")
_SHORTEST = 32


def ledger_keys() -> dict[str, Key]:
    """The keys by name. The first one signs, and all of them verify.

    If `LEDGER_KEYS` is not set or is invalid, a key that is derived from SECRET_KEY signs.
    """
    value = read("LEDGER_KEYS")
    if not isinstance(value, Mapping) or not _are_keys(value):
        return _keys_of_site()
    found: dict[str, Key] = {}
    for name, secret in value.items():
        found |= _keys_of_site() if secret is None else {name: Key(name, force_bytes(secret))}
    return found


def has_own_ledger_key() -> bool:
    """Whether the ledger has its own key, which is not derived from SECRET_KEY."""
    return not next(iter(ledger_keys())).startswith(f"{SECRET_KEY}:")


def _keys_of_site() -> dict[str, Key]:
    """Return the keys that are derived from SECRET_KEY and its fallbacks, by their names."""
    found = {}
    for secret in (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS):
        derived = hmac.new(force_bytes(secret), _SALT, hashlib.sha256).digest()
        name = f"{SECRET_KEY}:{hashlib.sha256(derived).hexdigest()[:8]}"
        found[name] = Key(name, derived)
    return found


def _are_keys(value: object) -> bool:
    return isinstance(value, Mapping) and bool(value) and all(map(_is_key, value, value.values()))


def _is_key(name: object, secret: object) -> bool:
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        return False
    if name == SECRET_KEY:
        return secret is None
    return isinstance(secret, str) and len(secret) >= _SHORTEST


RULES: dict[str, Rule] = {
    "LEDGER_KEYS": (
        _are_keys,
        f"must map names of keys to secrets of at least {_SHORTEST} characters, the first of which "
        f'signs; "{SECRET_KEY}": None stands for what SECRET_KEY has signed',
        '{"2026-01": os.environ["LEDGER_KEY"]}',
    ),
}
