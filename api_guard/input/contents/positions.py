"""Removes the GPS position from the metadata of an image, and changes no other byte."""

from __future__ import annotations

import re
import struct
import zlib
from collections.abc import Iterator
from itertools import chain

from api_guard.core.flaws import Flaw, FlawError
from api_guard.core.names import words

POSITIONED = words("avif gif heic jpeg png webp")
# Metadata in every box, chunk or segment begin with the TIFF header (EXIF §4.5.2).
_TIFF = re.compile(rb"II\*\x00|MM\x00\*")
_GPS = 0x8825
_SIZES = (0, 1, 1, 2, 4, 8, 1, 1, 2, 4, 8, 4, 8)
# The limit for all directories together. A photo has fewer than 200 entries.
_MOST_ENTRIES = 20_000
# Adobe's metadata are text. Spaces overwrite the location, so that no size changes. No pattern here
# looks for an end, because in a hostile file, each beginning could search the whole rest for it.
_PACKETS = ((b"<x:xmpmeta", b"</x:xmpmeta>"), (b"<rdf:RDF", b"</rdf:RDF>"))
_COUNTED = (
    *(b"<x:xmpmeta", b"<rdf:RDF"),
    *(b"exif:GPS", b"Iptc4xmpExt:Location", b"photoshop:"),
)
_ELEMENT = re.compile(
    rb"<(?P<end>/?)(?P<name>exif:GPS\w+|Iptc4xmpExt:Location\w*|photoshop:(?:City|State|Country))\b"
    rb"[^<>]*>"
)
_ATTRIBUTE = re.compile(
    rb"\b(?:exif:GPS\w+|photoshop:(?:City|State|Country))\s*=\s*(?:\"[^\"]*\"|'[^']*')"
)
_PNG = b"\x89PNG\r\n\x1a\n"
# Compressed text in PNG, where ImageMagick and Adobe store the same metadata.
_PACKED = re.compile(rb"Raw profile type (?:exif|app1|xmp)\x00|XML:com\.adobe\.xmp\x00\x01", re.I)


def without_position(content: bytes) -> bytes:
    """Return the image with zeros for its position. The size does not change.

    Raises FlawError if the metadata have too many entries.
    """
    image = bytearray(content)
    budget = _MOST_ENTRIES
    for found in _TIFF.finditer(content):
        # A header without an entry takes time too.
        budget -= 1 + _erase(image, found.start(), "<" if found[0][:1] == b"I" else ">", budget)
        if budget < 0:
            raise _too_much()
    if sum(map(image.count, _COUNTED)) > _MOST_ENTRIES:
        raise _too_much()
    for first, last in _PACKETS:
        _erase_in_packets(image, first, last)
    if content.startswith(_PNG):
        _erase_in_png(image)
    return bytes(image)


def _erase(image: bytearray, start: int, order: str, budget: int) -> int:
    """Overwrite the positions in the metadata at `start`. Return the number of entries."""
    seen = 0
    for place in _directories(image, start, order):
        for at in _entries(image, place, order):
            seen += 1
            if seen > budget:
                raise _too_much()
            tag, kind, count, value = struct.unpack_from(f"{order}HHII", image, at)
            if tag == _GPS and kind == 4 and count == 1:
                seen += _erase_directory(image, start, start + value, order)
                image[at : at + 12] = bytes(12)
    return seen


def _directories(image: bytearray, start: int, order: str) -> list[int]:
    """Return the positions of the directories of the image and of its thumbnail."""
    found: list[int] = []
    at = start + 4
    while at + 4 <= len(image) and len(found) < 8:
        (offset,) = struct.unpack_from(f"{order}I", image, at)
        place = start + offset
        if offset < 8 or place + 2 > len(image) or place in found:
            break
        found.append(place)
        at = place + 2 + 12 * struct.unpack_from(f"{order}H", image, place)[0]
    return found


def _entries(image: bytearray, place: int, order: str) -> range:
    if place + 2 > len(image):
        return range(0)
    (count,) = struct.unpack_from(f"{order}H", image, place)
    fits = (len(image) - place - 2) // 12
    return range(place + 2, place + 2 + 12 * min(count, fits), 12)


def _erase_directory(image: bytearray, start: int, place: int, order: str) -> int:
    entries = _entries(image, place, order)
    for at in entries:
        _, kind, count, value = struct.unpack_from(f"{order}HHII", image, at)
        size = _SIZES[kind] * count if kind < len(_SIZES) else 0
        begin, end = start + value, start + value + size
        # Only inside these metadata. A position is a few numbers and the name of a place.
        if 4 < size <= 4096 and end <= len(image):
            image[begin:end] = bytes(size)
        image[at : at + 12] = bytes(12)
    if len(entries):
        image[place : place + 2] = bytes(2)
    return len(entries)


def _erase_in_packets(image: bytearray, first: bytes, last: bytes) -> None:
    """Overwrite the places in the text from each `first` to the next `last`."""
    end = 0
    while (start := image.find(first, end)) >= 0 and (end := image.find(last, start)) >= 0:
        packet = bytes(image[start:end])
        places = chain(_elements(packet), (found.span() for found in _ATTRIBUTE.finditer(packet)))
        for begin, stop in places:
            image[start + begin : start + stop] = b" " * (stop - begin)


def _elements(packet: bytes) -> Iterator[tuple[int, int]]:
    """Yield the start and the end of each element of a place."""
    opened: dict[bytes, int] = {}
    for tag in _ELEMENT.finditer(packet):
        if tag["end"]:
            start = opened.pop(tag["name"], None)
            if start is not None:
                yield start, tag.end()
        elif tag[0].endswith(b"/>"):
            yield tag.span()
        else:
            opened.setdefault(tag["name"], tag.start())


def _erase_in_png(image: bytearray) -> None:
    """Overwrite compressed metadata completely, and correct the checksums."""
    at = len(_PNG)
    while at + 12 <= len(image):
        length, name = struct.unpack_from(">I4s", image, at)
        begin, end = at + 8, at + 8 + length
        if end + 4 > len(image):
            return
        if name in (b"zTXt", b"tEXt", b"iTXt") and _PACKED.match(image, begin, end):
            # With an empty comment: a keyword and blank text.
            image[at + 4 : end] = b"tEXt" + b"Comment\x00".ljust(length, b" ")[:length]
        if name in (b"eXIf", b"zTXt", b"tEXt", b"iTXt"):
            struct.pack_into(">I", image, end, zlib.crc32(image[at + 4 : end]))
        at = end + 4


def _too_much() -> FlawError:
    return FlawError(Flaw("invalid_image", "The image has too much metadata."))
