"""Audio, and images and videos in boxes: checks more than the first bytes."""

from __future__ import annotations

import struct
from typing import IO

from api_guard.core.flaws import Flaw, FlawError

# One of these boxes is required (ISO 14496-12): the items of an image, or the tracks of a video.
BOXED = {"avif": (b"meta", b"moov"), "heic": (b"meta", b"moov"), "mp4": (b"moov", b"moof")}
_MOST_BOXES = 10_000
# Tables of ISO 11172-3 §2.4.2.3, and of ISO 13818-3 for the lower rates.
_BIT_RATES = {
    3: (0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320),
    2: (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
}
_RATES = {3: (44_100, 48_000, 32_000), 2: (22_050, 24_000, 16_000), 0: (11_025, 12_000, 8_000)}
# Tags end with padding, and a stream may begin in the middle of a frame.
_SEARCHED = 65_536


def refuse_other_than_boxes(file: IO[bytes], size: int, kind: str) -> None:
    """Raise FlawError if the file does not have the boxes of this kind."""
    place = 0
    for _ in range(_MOST_BOXES):
        file.seek(place)
        head = file.read(16)
        if len(head) < 8 or place >= size:
            break
        length, name = struct.unpack_from(">I4s", head)
        if name in BOXED[kind]:
            return
        if length == 1 and len(head) == 16:
            (length,) = struct.unpack_from(">Q", head, 8)
        if length < 8 or place + length > size:
            break
        place += length
    raise _other(kind)


def refuse_other_than_mp3(file: IO[bytes]) -> None:
    """Raise FlawError if the file does not have two consecutive frames of MPEG audio."""
    file.seek(0)
    head = file.read(10)
    start = 0
    if head[:3] == b"ID3":
        # Seven bits of each byte count (ID3v2 §3.1).
        start = 10 + sum((byte & 0x7F) << 7 * (3 - place) for place, byte in enumerate(head[6:10]))
    file.seek(start)
    content = file.read(_SEARCHED)
    place = content.find(b"\xff")
    while place >= 0:
        length = _frame_length(content[place : place + 4])
        following = content[place + length : place + length + 4]
        if length and (_frame_length(following) or place + length == len(content)):
            return
        place = content.find(b"\xff", place + 1)
    raise _other("mp3")


def _frame_length(head: bytes) -> int:
    """Return the length in bytes of the layer III frame with this header, or 0."""
    if len(head) < 4 or head[0] != 0xFF or head[1] & 0xE0 != 0xE0:
        return 0
    version, layer = head[1] >> 3 & 3, head[1] >> 1 & 3
    bit_rate, rate, padding = head[2] >> 4, head[2] >> 2 & 3, head[2] >> 1 & 1
    if version == 1 or layer != 1 or bit_rate in (0, 15) or rate == 3:
        return 0
    bits = _BIT_RATES[3 if version == 3 else 2][bit_rate] * 1000
    samples = 144 if version == 3 else 72
    return samples * bits // _RATES[version][rate] + padding


def _other(kind: str) -> FlawError:
    return FlawError(Flaw("wrong_type", f"Only the first bytes of the file are {kind}."))
