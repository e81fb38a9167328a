"""What can be told of a JSON text before it is read, at the speed of looking through it."""

from __future__ import annotations

# What the shape of a text is made of. To delete all else takes no longer than to read it.
SHAPE = frozenset('"[]{}:,')
_NO_SHAPE = bytes(set(range(256)) - set(b'"[]{}:,'))
_PIECE = 65_536
_QUOTES = (b'"' * 16, b'"' * 4, b'""')


def shape_of(body: bytes, has_escapes: bool) -> bytes:
    """Return the quotes, brackets, commas and colons of `body`, those inside its strings too."""
    if has_escapes:
        body = body.replace(b"\\\\", b"").replace(b'\\"', b"")
    return body.translate(None, _NO_SHAPE)


def outside(shape: bytes) -> bytes:
    """Return what of `shape` stands outside strings."""
    # Quotes that stand side by side may go by twos: what comes after stays inside or outside.
    for quotes in _QUOTES:
        shape = shape.replace(quotes, b"")
    found, inside = [], 0
    # A piece at a time: to split all of it would take many times its memory.
    for start in range(0, len(shape), _PIECE):
        parts = shape[start : start + _PIECE].split(b'"')
        found.append(b"".join(parts[inside::2]))
        inside = (inside + len(parts) - 1) % 2
    return b"".join(found)


def items_in(shape: bytes) -> int:
    return shape.count(b",") + shape.count(b"[") + shape.count(b"{")


def may_have_long_text(body: bytes, most: int) -> bool:
    """Whether a string may be longer than `most`: each such string fills a block of half of it."""
    if b"\\" in body:
        body = body.replace(b"\\\\", b"..").replace(b'\\"', b"..")
    block = (most + 1) // 2
    starts = range(0, len(body), block)
    return any(body.find(b'"', start, start + block) == -1 for start in starts)
