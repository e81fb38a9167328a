"""Limits for JSON: depth, size and numbers."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass

from api_guard.core.flaws import Flaw, FlawError

# The largest integer of 64 bits.
MAX_INTEGER = 2**63 - 1
_MAX_PATH = 60


@dataclass(frozen=True)
class JSONLimits:
    """The limits for the depth, the items, the bytes and the key length of a JSON value.

    `max_items` counts all items and keys together. `max_bytes` counts compact JSON in UTF-8.
    """

    max_depth: int = 8
    max_items: int = 1000
    max_bytes: int = 65_536
    max_key_length: int = 100

    def refuse_flaw(self, value: object) -> None:
        """Raise FlawError for the first limit that `value` exceeds."""
        flaw = find_json_flaw(value, self)
        if flaw:
            raise FlawError(flaw)


def find_json_flaw(value: object, limits: JSONLimits) -> Flaw | None:
    """Return the first reason to refuse `value`, or None. It stops at the first limit."""
    items = size = 0
    waiting: list[tuple[object, int, str]] = [(value, 0, "$")]
    while waiting:
        inner, depth, path = waiting.pop()
        flaw = _scalar_flaw(inner, path)
        if flaw:
            return flaw
        if isinstance(inner, (dict, list)):
            if depth >= limits.max_depth:
                return Flaw("too_deep", f"The value is nested more than {limits.max_depth} deep.")
            items += len(inner)
            if items > limits.max_items:
                return Flaw("too_many_items", f"The value has more than {limits.max_items} items.")
            # Brackets, commas and colons.
            size += 2 + len(inner) * (2 if isinstance(inner, dict) else 1)
            for key, member in _members(inner):
                flaw = _key_flaw(key, path, limits) if isinstance(inner, dict) else None
                if flaw:
                    return flaw
                size += _size(key) if isinstance(inner, dict) else 0
                waiting.append((member, depth + 1, _step(path, key)))
        else:
            size += _size(inner)
        if size > limits.max_bytes:
            return Flaw("max_bytes", f"The value is longer than {limits.max_bytes} bytes.")
    return None


def _members(value: dict[object, object] | list[object]) -> list[tuple[object, object]]:
    return list(value.items()) if isinstance(value, dict) else list(enumerate(value))


def _step(path: str, key: object) -> str:
    # A long path is cut.
    if len(path) > _MAX_PATH:
        return path
    return f"{path}[{key}]" if isinstance(key, int) else f"{path}.{str(key)[:20]}"


def _key_flaw(key: object, path: str, limits: JSONLimits) -> Flaw | None:
    if not isinstance(key, str):
        return Flaw("invalid", f"A key at {path} is not text.")
    if len(key) > limits.max_key_length:
        message = f"A key at {path} is longer than {limits.max_key_length} characters."
        return Flaw("key_too_long", message)
    return _text_flaw(key, path)


def _scalar_flaw(value: object, path: str) -> Flaw | None:
    if isinstance(value, str):
        return _text_flaw(value, path)
    if isinstance(value, float) and not math.isfinite(value):
        return Flaw("not_finite", f"The number at {path} is not finite.")
    if isinstance(value, int) and abs(value) > MAX_INTEGER:
        return Flaw("number_too_large", f"The number at {path} does not fit into 64 bits.")
    if not isinstance(value, (str, int, float, dict, list, type(None))):
        return Flaw("invalid", f"The value at {path} is not a JSON type.")
    return None


def _text_flaw(text: str, path: str) -> Flaw | None:
    if "\x00" in text:
        return Flaw("null_character", f"The text at {path} contains U+0000.")
    try:
        text.encode()
    except UnicodeEncodeError:
        return Flaw("surrogate", f"The text at {path} contains a lone surrogate.")
    return None


def _size(value: object) -> int:
    if isinstance(value, str):
        # With the escapes of JSON.
        return len(json.dumps(value, ensure_ascii=False).encode())
    return len(str(value))
