"""Fast checks of a JSON text before it is parsed."""

from __future__ import annotations

# The characters of the shape. Deleting all others is as fast as reading the text.
SHAPE = frozenset('"[]{}:,')
_NO_SHAPE = bytes(set(range(256)) - set(b'"[]{}:,'))
_PIECE = 65_536
_QUOTES = (b'"' * 16, b'"' * 4, b'""')


def shape_of(body: bytes, has_escapes: bool) -> bytes:
    """Return the quotes, brackets, commas and colons of `body`, also those inside strings."""
    if has_escapes:
        body = body.replace(b"\\\\", b"").replace(b'\\"', b"")
    return body.translate(None, _NO_SHAPE)


def outside(shape: bytes) -> bytes:
    """Return the part of `shape` outside strings."""
    # Pairs of neighbouring quotes can be removed: the rest stays inside or outside of strings.
    for quotes in _QUOTES:
        shape = shape.replace(quotes, b"")
    found, inside = [], 0
    # In pieces: splitting the whole text would need many times its memory.
    for start in range(0, len(shape), _PIECE):
        parts = shape[start : start + _PIECE].split(b'"')
        found.append(b"".join(parts[inside::2]))
        inside = (inside + len(parts) - 1) % 2
    return b"".join(found)


def items_in(shape: bytes) -> int:
    return shape.count(b",") + shape.count(b"[") + shape.count(b"{")


def may_have_long_text(body: bytes, most: int) -> bool:
    """Whether a string may be longer than `most`. It would fill a block of half this size."""
    if b"\\" in body:
        body = body.replace(b"\\\\", b"..").replace(b'\\"', b"..")
    block = (most + 1) // 2
    starts = range(0, len(body), block)
    return any(body.find(b'"', start, start + block) == -1 for start in starts)
