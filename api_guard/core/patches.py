"""Writes lines inserted into files as one patch that `git apply` takes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

_CONTEXT = 3
MARK = b"\xef\xbb\xbf"
_NO_END = b"\n\\ No newline at end of file\n"


@dataclass(frozen=True)
class Insertion:
    """Lines to insert before the line `at`, counted from 0."""

    at: int
    lines: tuple[bytes, ...]


def lines_of(data: bytes) -> list[bytes]:
    """Return lines with their ends. Like git, end them only at a line feed."""
    lines = [line + b"\n" for line in data.split(b"\n")]
    lines[-1] = lines[-1][:-1]
    return lines if lines[-1] else lines[:-1]


def inserted(lines: Sequence[bytes], insertions: Sequence[Insertion]) -> list[bytes]:
    """Return the lines with the insertions. A last line without an end stays without one."""
    return [line for mark, line in _marked(lines, insertions) if mark != b"-"]


def _marked(
    lines: Sequence[bytes], insertions: Sequence[Insertion]
) -> Iterator[tuple[bytes, bytes]]:
    """Yield each line with the mark that it has in a patch."""
    is_before_all = any(each.at == 0 for each in insertions)
    if not (is_before_all and lines and lines[0].startswith(MARK)):
        yield from _plainly_marked(lines, insertions)
        return
    # The byte order mark stays the beginning of the file.
    yield b"-", lines[0]
    bare = [lines[0].removeprefix(MARK), *lines[1:]]
    (_, first), *rest = _plainly_marked(bare, insertions)
    yield b"+", MARK + first
    is_old = False
    for mark, line in rest:
        if is_old or mark == b"+":
            yield mark, line
        else:
            is_old = True
            yield from [(b"+", line)] * (mark == b" ")


def _plainly_marked(
    lines: Sequence[bytes], insertions: Sequence[Insertion]
) -> Iterator[tuple[bytes, bytes]]:
    by_place: dict[int, list[bytes]] = {}
    for insertion in insertions:
        by_place.setdefault(insertion.at, []).extend(insertion.lines)
    is_open = bool(lines) and not lines[-1].endswith(b"\n")
    for index, line in enumerate(lines):
        yield from ((b"+", each) for each in by_place.get(index, ()))
        if index == len(lines) - 1 and is_open and len(lines) in by_place:
            yield b"-", line
            yield b"+", line + _end_of(by_place[len(lines)][-1])
        else:
            yield b" ", line
    last = by_place.get(len(lines), [])
    yield from ((b"+", each) for each in last[:-1])
    if last:
        yield b"+", last[-1].removesuffix(_end_of(last[-1])) if is_open else last[-1]


def _end_of(line: bytes) -> bytes:
    return b"\r\n" if line.endswith(b"\r\n") else b"\n"


def patch_of(path: str, before: Sequence[bytes], insertions: Sequence[Insertion]) -> bytes:
    """Return the patch of one file. `path` is relative to the root, with `/`."""
    old, new = _quoted(f"a/{path}"), _quoted(f"b/{path}")
    tab = b"\t" if b" " in old else b""
    head = b"diff --git %s %s\n--- %s%s\n+++ %s%s\n" % (old, new, old, tab, new, tab)
    return head + b"".join(_hunks(list(before), sorted(insertions, key=lambda each: each.at)))


def _hunks(before: list[bytes], insertions: list[Insertion]) -> Iterator[bytes]:
    added = 0
    for group in _groups(insertions):
        start = max(group[0].at - _CONTEXT, 0)
        end = min(group[-1].at + _CONTEXT, len(before))
        old = before[start:end]
        moved = [Insertion(each.at - start, each.lines) for each in group]
        marked = list(_marked(old, moved))
        count = sum(mark != b"-" for mark, _ in marked)
        yield b"@@ -%s +%s @@\n" % (_range(start, len(old)), _range(start + added, count))
        yield from (_ended(mark + line) for mark, line in marked)
        added += count - len(old)


def _groups(insertions: list[Insertion]) -> Iterator[list[Insertion]]:
    """Group insertions whose context touches."""
    group: list[Insertion] = []
    for insertion in insertions:
        if group and insertion.at - group[-1].at > 2 * _CONTEXT:
            yield group
            group = []
        group.append(insertion)
    yield group


def _ended(line: bytes) -> bytes:
    return line if line.endswith(b"\n") else line + _NO_END


def _range(start: int, count: int) -> bytes:
    # An empty range names the line before it.
    return b"%d,%d" % (start + 1 if count else start, count)


def _quoted(path: str) -> bytes:
    """Write a path as git does: in quotes, with octal escapes, if it has unusual bytes."""
    data = path.encode("utf-8", "surrogateescape")
    if not any(byte < 0x20 or byte > 0x7E or byte in b'"\\' for byte in data):
        return data
    parts = (
        b"\\" + bytes([byte])
        if byte in b'"\\'
        else (b"%c" % byte if 0x20 <= byte <= 0x7E else b"\\%03o" % byte)
        for byte in data
    )
    return b'"' + b"".join(parts) + b'"'
