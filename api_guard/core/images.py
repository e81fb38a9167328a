"""Bounds the markers, chunks and blocks of an image before a decoder walks along them.

A decoder reads each of them in a loop of its own, and a file of a few megabytes holds a million.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from api_guard.core.flaws import Flaw, FlawError

# An image has a few, and as many more as its data is cut into: by encoders, at 4 KB and above.
_FEW = 1000
_SHORTEST = 1024
# GIF cuts its data into blocks of up to 255 bytes.
_SHORTEST_GIF = 64
# Bytes of a JPEG that say nothing between two markers.
_MOST_PADDING = 65_536

_FILL = re.compile(rb"\xff+")
# Those of JPEG that are followed by a length: SOF, DHT, DAC, DQT, DNL, DRI, DHP, EXP, APP, COM.
_WITH_LENGTH = {*range(0xC0, 0xD0), *range(0xDB, 0xE0), *range(0xE0, 0xF0), 0xFE} - {0xC8}
_SCAN = 0xDA
_PHOTOSHOP = b"8BIM"
# A segment of 64 KB holds 5,000 entries, and a decoder joins the segments.
_EXIF, _MOST_EXIF = b"Exif\x00\x00", 4
_GIF_TRAILER, _GIF_EXTENSION, _GIF_IMAGE = 0x3B, 0x21, 0x2C
_GIF_COMMENT = 0xFE
_NETSCAPE = b"NETSCAPE2.0"


def frames_of(kind: str, data: bytes) -> int | None:
    """Return how many frames an image has, None where only a decoder can tell.

    Raises FlawError where it is cut into more parts than its size accounts for.
    """
    walk = _WALKS.get(kind)
    return None if walk is None else walk(data)


def _walk_jpeg(data: bytes) -> None:
    most = _most(data, _SHORTEST)
    position, segments, padding = 2, 0, 0
    while (start := data.find(b"\xff", position)) != -1:
        filled = _FILL.match(data, start)
        end = len(data) if filled is None else filled.end()
        segments += 1
        padding += end - 1 - position
        if segments > most or padding > _MOST_PADDING:
            raise _too_many()
        if end == len(data) or data[end] == _SCAN:
            # What a decoder reads of the head ends here.
            break
        position = end + 1
        if data[end] in _WITH_LENGTH:
            position += max(2, int.from_bytes(data[position : position + 2]))
    else:
        padding += len(data) - position
    resources, directories = (data.count(each, 0, position) for each in (_PHOTOSHOP, _EXIF))
    if padding > _MOST_PADDING or resources > most or directories > _MOST_EXIF:
        raise _too_many()


def _walk_png(data: bytes) -> None:
    most = _most(data, _SHORTEST)
    position, chunks = 8, 0
    while position < len(data):
        chunks += 1
        if chunks > most:
            raise _too_many()
        if data[position + 4 : position + 8] == b"IEND":
            return
        # Its length, its name, itself and its checksum.
        position += 12 + int.from_bytes(data[position : position + 4])


def _walk_gif(data: bytes) -> int:
    most = _most(data, _SHORTEST)
    inner = _most(data, _SHORTEST_GIF)
    position = 13 + _palette(data, 10)
    frames = blocks = 0
    while position < len(data) and data[position] != _GIF_TRAILER:
        blocks += 1
        if blocks > most:
            raise _too_many()
        kind, start = data[position], position + 1
        if kind == _GIF_EXTENSION:
            start += 1
            _refuse_ambiguous(data, start)
        elif kind == _GIF_IMAGE:
            frames += 1
            start += 9 + _palette(data, position + 9) + 1
        else:
            position += 1  # a byte that means nothing, which decoders pass over
            continue
        position, passed = _after_blocks(data, start, inner)
        inner -= passed
    return frames


def _refuse_ambiguous(data: bytes, start: int) -> None:
    """Refuse an extension that decoders do not agree about where it ends."""
    size = data[start] if start < len(data) else 0
    is_empty = size == 0 and data[start - 1] != _GIF_COMMENT
    first = data[start + 1 : start + 1 + size]
    is_cut = first.startswith(_NETSCAPE) and data[start + 1 + size : start + 2 + size] == b"\x00"
    if is_empty or is_cut:
        raise FlawError(Flaw("invalid_image", "The file is no image, or a damaged one."))


def _after_blocks(data: bytes, position: int, most: int) -> tuple[int, int]:
    """Return what follows a chain of blocks, each with its length before it, and their number."""
    passed = 0
    while position < len(data) and data[position]:
        passed += 1
        if passed > most:
            raise _too_many()
        position += 1 + data[position]
    return position + 1, passed


def _palette(data: bytes, position: int) -> int:
    """Return the length of a palette, which a byte at `position` speaks of."""
    flags = data[position] if position < len(data) else 0
    return (3 << ((flags & 7) + 1)) if flags & 0x80 else 0


def _most(data: bytes, shortest: int) -> int:
    return _FEW + len(data) // shortest


def _too_many() -> FlawError:
    message = "The image is cut into more parts than an image of its size has."
    return FlawError(Flaw("too_many_parts", message))


# WebP is read by a library in C, which takes a hundredth of the time.
_WALKS: Mapping[str, Callable[[bytes], int | None]] = {
    "gif": _walk_gif,
    "jpeg": _walk_jpeg,
    "png": _walk_png,
}
