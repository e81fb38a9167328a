"""Zip archives: reads the entries, and checks their true sizes."""

from __future__ import annotations

import struct
import zlib
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from os import SEEK_CUR
from typing import IO

from api_guard.core.flaws import Flaw, FlawError

MAX_ENTRIES = 1000
MAX_UNPACKED = 104_857_600
# APPNOTE.TXT §4.3: the end record, an entry of the directory, and the header of a packed file.
_END = struct.Struct("<4s4H2LH")
_LISTED = struct.Struct("<4s6H3L5H2L")
_LOCAL = struct.Struct("<4s5H3L2H")
_ENCRYPTED, _UTF8 = 1, 1 << 11
_STORED, _DEFLATED = 0, 8
_CHUNK = 65_536
_WHOLE = 0xFFFFFFFF


@dataclass(frozen=True)
class Bounds:
    """The limits of an archive: the number of entries, and their unpacked bytes."""

    entries: int = MAX_ENTRIES
    unpacked: int = MAX_UNPACKED


@dataclass(frozen=True)
class Entry:
    """One entry in the directory of an archive. Sizes are in bytes."""

    name: str
    method: int
    packed: int
    unpacked: int
    offset: int


def read_entries(file: IO[bytes], size: int, bounds: Bounds) -> list[Entry]:
    """Return the entries of the archive without unpacking. Raises FlawError."""
    count, start, length = _directory(file, size)
    if count > bounds.entries:
        raise FlawError(
            Flaw("too_many_entries", f"The archive has more than {bounds.entries} entries.")
        )
    file.seek(start)
    directory = file.read(length)
    entries: list[Entry] = []
    place = 0
    for _ in range(count):
        entry, place = _entry(directory, place)
        entries.append(entry)
    if place != length:
        raise _damaged("its directory has more entries than declared")
    if sum(entry.unpacked for entry in entries) > bounds.unpacked:
        raise _too_large(bounds)
    _refuse_overlap(entries, start)
    return entries


def unpack(file: IO[bytes], entries: list[Entry], *, wanted: str) -> bytes:
    """Unpack every entry, and return the content of the `wanted` one.

    Raises FlawError if an entry does not match the directory, for example if it is larger.
    """
    kept = b""
    for entry in entries:
        parts = _parts(file, entry)
        if entry.name == wanted:
            kept = b"".join(parts)
        else:
            deque(parts, maxlen=0)
    return kept


def _directory(file: IO[bytes], size: int) -> tuple[int, int, int]:
    """Return the number of entries, and the start and the length of the directory."""
    # A comment of at most 65,535 bytes may follow the end record.
    file.seek(max(size - _END.size - 0xFFFF, 0))
    tail = file.read()
    place = tail.rfind(b"PK\x05\x06")
    if place < 0 or len(tail) - place < _END.size:
        raise _damaged("its directory is missing")
    _, disk, first, here, count, length, start, comment = _END.unpack_from(tail, place)
    end = size - len(tail) + place
    is_whole = disk == first == 0 and here == count and place + _END.size + comment == len(tail)
    # Another program might read other data between them or before them.
    if not is_whole or start + length != end:
        raise _damaged("its directory is in another place than declared")
    return count, start, length


def _entry(directory: bytes, place: int) -> tuple[Entry, int]:
    if len(directory) - place < _LISTED.size:
        raise _damaged("its directory is cut off")
    mark, *head = _LISTED.unpack_from(directory, place)
    _, _, flags, method, _, _, _, packed, unpacked, name_size, extra, comment, *rest = head
    begin = place + _LISTED.size
    raw = directory[begin : begin + name_size]
    if mark != b"PK\x01\x02" or _WHOLE in (packed, unpacked, rest[-1]):
        raise _damaged("programs read an entry differently")
    if flags & _ENCRYPTED or method not in (_STORED, _DEFLATED):
        raise _damaged("an entry is encrypted, or not packed with deflate")
    try:
        name = raw.decode("utf-8" if flags & _UTF8 else "cp437")
    except UnicodeDecodeError as error:
        raise _damaged("the name of an entry cannot be read") from error
    path = name.replace("\\", "/")
    if not path or path.startswith("/") or ":" in path or "\0" in path or ".." in path.split("/"):
        raise _damaged("an entry would be unpacked outside its folder")
    entry = Entry(name, method, packed, unpacked, rest[-1])
    return entry, begin + name_size + extra + comment


def _refuse_overlap(entries: list[Entry], end: int) -> None:
    """Refuse entries that share the same packed data."""
    for entry in sorted(entries, key=lambda each: each.offset, reverse=True):
        if entry.offset + _LOCAL.size + entry.packed > end:
            raise _damaged("its entries overlap")
        end = entry.offset


def _parts(file: IO[bytes], entry: Entry) -> Iterator[bytes]:
    """Yield the unpacked content of the entry, piece by piece."""
    file.seek(entry.offset)
    # The whole header exists: no entry ends after the start of the directory.
    head = file.read(_LOCAL.size)
    mark, _, flags, method, *_, name_size, extra = _LOCAL.unpack(head)
    name = file.read(name_size)
    is_same = name.decode("utf-8" if flags & _UTF8 else "cp437", "replace") == entry.name
    if mark != b"PK\x03\x04" or method != entry.method or flags & _ENCRYPTED or not is_same:
        raise _damaged("an entry does not match the directory")
    file.seek(extra, SEEK_CUR)
    inflater = zlib.decompressobj(-zlib.MAX_WBITS)
    packed, unpacked = entry.packed, 0
    while packed:
        chunk = file.read(min(_CHUNK, packed))
        packed -= len(chunk)
        if not chunk:
            raise _damaged("an entry is cut off")
        for part in [chunk] if method == _STORED else _inflated(inflater, chunk):
            unpacked += len(part)
            if unpacked > entry.unpacked:
                raise _damaged("an entry is larger than declared")
            yield part
    if unpacked != entry.unpacked or (method == _DEFLATED and not inflater.eof):
        raise _damaged("an entry is smaller than declared, or cut off")


def _inflated(inflater: zlib._Decompress, chunk: bytes) -> Iterator[bytes]:
    try:
        part = b"more"
        # After a full piece, the inflater may have more data, even if the chunk is used up.
        while part and not inflater.eof and (chunk or len(part) == _CHUNK):
            part = inflater.decompress(chunk, _CHUNK)
            chunk = inflater.unconsumed_tail
            yield part
    except zlib.error as error:
        raise _damaged("an entry cannot be unpacked") from error


def _damaged(why: str) -> FlawError:
    return FlawError(Flaw("invalid_archive", f"The archive is damaged or malicious: {why}."))


def _too_large(bounds: Bounds) -> FlawError:
    message = f"The archive is larger than {bounds.unpacked} bytes when unpacked."
    return FlawError(Flaw("too_large_unpacked", message))
