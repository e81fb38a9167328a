"""Limits the number of markers, chunks and blocks of an image before a decoder reads them.

A file of a few megabytes can contain a million of them, and a decoder loops over each.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from api_guard.core.flaws import Flaw, FlawError

# An image has a few parts, and more for its data. Encoders write data in parts of 4 KB or more.
_FEW = 1000
_SHORTEST = 1024
# Pillow unpacks up to a megabyte of each, and goes on if it is damaged.
_PACKED, _MOST_PACKED = (b"zTXt", b"iTXt", b"iCCP"), 100
# GIF cuts its data into blocks of up to 255 bytes.
_SHORTEST_GIF = 64
# The largest number of padding bytes of a JPEG between markers.
_MOST_PADDING = 65_536

_FILL = re.compile(rb"\xff+")
# JPEG markers with a length: SOF, DHT, DAC, DQT, DNL, DRI, DHP, EXP, APP, COM.
_WITH_LENGTH = {*range(0xC0, 0xD0), *range(0xDB, 0xE0), *range(0xE0, 0xF0), 0xFE} - {0xC8}
_SCAN = 0xDA
# An image has up to four tables of quantization, of 129 bytes. A segment can contain a thousand.
_TABLES, _MOST_TABLES = 0xDB, 16_384
_PHOTOSHOP = b"8BIM"
# A segment of 64 KB contains 5,000 entries, and a decoder joins the segments.
_EXIF, _MOST_EXIF = b"Exif\x00\x00", 4
_GIF_TRAILER, _GIF_EXTENSION, _GIF_IMAGE = 0x3B, 0x21, 0x2C
_GIF_COMMENT = 0xFE
_NETSCAPE = b"NETSCAPE2.0"


def frames_of(kind: str, data: bytes) -> int | None:
    """Return the number of frames of an image, or None if only a decoder knows it.

    Raises FlawError if the image has too many parts for its size.
    """
    walk = _WALKS.get(kind)
    return None if walk is None else walk(data)


def _walk_jpeg(data: bytes) -> None:
    most = _most(data, _SHORTEST)
    position, segments, padding, tables = 2, 0, 0, 0
    while (start := data.find(b"\xff", position)) != -1:
        filled = _FILL.match(data, start)
        end = len(data) if filled is None else filled.end()
        segments += 1
        padding += end - 1 - position
        if segments > most or padding > _MOST_PADDING:
            raise _too_many()
        if end == len(data) or data[end] == _SCAN:
            # The header that a decoder reads ends here.
            break
        position = end + 1
        if data[end] in _WITH_LENGTH:
            length = max(2, int.from_bytes(data[position : position + 2]))
            tables += length if data[end] == _TABLES else 0
            position += length
    else:
        padding += len(data) - position
    resources, directories = (data.count(each, 0, position) for each in (_PHOTOSHOP, _EXIF))
    has_metadata = resources > most or directories > _MOST_EXIF
    if padding > _MOST_PADDING or tables > _MOST_TABLES or has_metadata:
        raise _too_many()


def _walk_png(data: bytes) -> None:
    most = _most(data, _SHORTEST)
    position, chunks, packed = 8, 0, 0
    while position < len(data):
        chunks += 1
        name = data[position + 4 : position + 8]
        packed += name in _PACKED
        if chunks > most or packed > _MOST_PACKED:
            raise _too_many()
        if name == b"IEND":
            return
        # The length, the name, the data and the checksum.
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
            position += 1  # decoders skip a byte without a meaning
            continue
        position, passed = _after_blocks(data, start, inner)
        inner -= passed
    return frames


def _refuse_ambiguous(data: bytes, start: int) -> None:
    """Refuse an extension whose end is different for different decoders."""
    size = data[start] if start < len(data) else 0
    is_empty = size == 0 and data[start - 1] != _GIF_COMMENT
    first = data[start + 1 : start + 1 + size]
    is_cut = first.startswith(_NETSCAPE) and data[start + 1 + size : start + 2 + size] == b"\x00"
    if is_empty or is_cut:
        raise FlawError(Flaw("invalid_image", "The file is not an image, or it is damaged."))


def _after_blocks(data: bytes, position: int, most: int) -> tuple[int, int]:
    """Return the position after a chain of blocks with lengths, and the number of blocks."""
    passed = 0
    while position < len(data) and data[position]:
        passed += 1
        if passed > most:
            raise _too_many()
        position += 1 + data[position]
    return position + 1, passed


def _palette(data: bytes, position: int) -> int:
    """Return the length of the palette, from the flags at `position`."""
    flags = data[position] if position < len(data) else 0
    return (3 << ((flags & 7) + 1)) if flags & 0x80 else 0


def _most(data: bytes, shortest: int) -> int:
    return _FEW + len(data) // shortest


def _too_many() -> FlawError:
    message = "The image has too many parts for its size."
    return FlawError(Flaw("too_many_parts", message))


# A C library reads WebP, a hundred times faster.
_WALKS: Mapping[str, Callable[[bytes], int | None]] = {
    "gif": _walk_gif,
    "jpeg": _walk_jpeg,
    "png": _walk_png,
}
