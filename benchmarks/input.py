"""What the fields cost: 1 KB to 1 MB, benign and hostile, time and memory, for each engine.

Run it with `python -m benchmarks.input`; a number is the most KB to go to.
"""

from __future__ import annotations

import os
import sys
import time
import tracemalloc

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")
django.setup()

from django.conf import settings  # noqa: E402  # after setup()
from rest_framework.exceptions import ValidationError  # noqa: E402

from api_guard import fields  # noqa: E402

SIZES_KB = (1, 10, 100, 1000)
ROUNDS = 3
# Above it, a field of the default limits is too slow.
TOO_SLOW = 0.1


def times(piece):
    return lambda size: (piece * (size // len(piece) + 1))[:size]


TEXTS = {
    "prose": times("The quick brown fox jumps over the lazy dog. "),
    "non-ascii prose": times("Zażółć gęślą jaźń 日本語 "),
    "combining marks": times("e" + "\u0301" * 15),
    "a run of marks": times("\u0301"),
    "decomposing": times("\u1e9b\u0323\u0344"),
    "emoji": times("👩\u200d👧\ufe0f"),
    "spaces": times(" "),
    "controls": lambda size: "a" * (size - 1) + "\x00",
}
MARKUP = {
    "prose in paragraphs": times("<p>The <b>quick</b> fox <a href='/x'>jumps</a>.</p>\n"),
    "plain prose": times("The quick brown fox jumps over the lazy dog. "),
    "addresses": times("see https://example.com/a?b=1&c=2 there "),
    "crossed tags": times("<b><i></b></i>"),
    "unclosed div": times("<div>"),
    "signs": times("&"),
    "open signs": times("<"),
    "comments": times("<!-- "),
    "attributes": lambda size: "<p " + " ".join(f"a{n}" for n in range(size // 6)) + ">",
    "entities": times("&#x301;"),
    "parentheses": times("("),
    "hyphens": times("a-"),
    "tables": times("<table><tr><td>"),
    "brackets": times("]]>-->"),
}
OTHERS = {
    "SafeURLField, path": (fields.SafeURLField, lambda size: "http://a.example/" + "a" * size),
    "SafeURLField, host": (fields.SafeURLField, lambda size: "http://" + "ü." * (size // 2)),
    "SafeURLField, punycode": (fields.SafeURLField, lambda size: "http://xn--" + "a" * size),
    "PlainEmailField": (fields.PlainEmailField, lambda size: "a." * (size // 2) + "@a.example"),
    "BoundedIntegerField": (fields.BoundedIntegerField, lambda size: "9" * size),
    "BoundedFloatField": (fields.BoundedFloatField, lambda size: "9" * size + "e9"),
    "BoundedJSONField, deep": (fields.BoundedJSONField, lambda size: nested(size // 2)),
    "BoundedJSONField, wide": (fields.BoundedJSONField, lambda size: list(range(size // 4))),
    "BoundedJSONField, keys": (
        fields.BoundedJSONField,
        lambda size: {f"key{number}": number for number in range(size // 12)},
    ),
    "BoundedJSONField, text": (fields.BoundedJSONField, lambda size: {"a": "x" * size}),
    "BoundedListField": (
        lambda: fields.BoundedListField(
            child=fields.PlainTextField(max_length=100), max_length=1000
        ),
        lambda size: ["a\x00"] * (size // 5),
    ),
}


def nested(depth):
    value = 1
    for _ in range(depth):
        value = [value]
    return value


def measure(field, data):
    """Return the best time in seconds, the peak in bytes, and what became of it."""
    best = float("inf")
    for _ in range(ROUNDS):
        started = time.thread_time()
        outcome = validated(field, data)
        best = min(best, time.thread_time() - started)
        if best > 1:
            break
    tracemalloc.start()
    validated(field, data)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return best, peak, outcome


def validated(field, data):
    try:
        field.run_validation(data)
    except ValidationError as error:
        detail = error.detail
        return detail[0].code if isinstance(detail, list) else f"{len(detail)} errors"
    return "passes"


def rows(sizes):
    """Yield a label, the limit of the field, the size, and the measurement."""
    for name, make in TEXTS.items():
        for size in sizes:
            for limit in (10_000, 2 * size):
                field = fields.PlainTextField(max_length=limit, newlines=True)
                yield f"PlainTextField, {name}", limit, size, measure(field, make(size))
    for engine in ("nh3", "bleach"):
        settings.API_GUARD = {**settings.API_GUARD, "SANITIZER": engine}
        for name, make in MARKUP.items():
            for size in sizes:
                for limit in (10_000, 2 * size):
                    field = fields.RichTextField(max_length=limit, preset="article", linkify=True)
                    label = f"RichTextField by {engine}, {name}"
                    yield label, limit, size, measure(field, make(size))
    for name, (make_field, make) in OTHERS.items():
        for size in sizes:
            yield name, 0, size, measure(make_field(), make(size))


def main() -> None:
    most = int(sys.argv[1]) if len(sys.argv) > 1 else SIZES_KB[-1]
    worst = ("", 0.0)
    print(f"{'':52} {'limit':>8} {'size':>8} {'ms':>8} {'peak KB':>8}")
    for name, limit, size, (seconds, peak, outcome) in rows(
        [1000 * size for size in SIZES_KB if size <= most]
    ):
        slow = "  SLOW" if seconds > TOO_SLOW and limit <= 10_000 else ""
        shown = limit or "default"
        numbers = f"{shown:>8} {size:>8} {seconds * 1e3:8.2f} {peak / 1e3:8.0f}"
        print(f"{name:52} {numbers}  {outcome}{slow}")
        if limit <= 10_000 and seconds > worst[1]:
            worst = (f"{name}, {size} bytes", seconds)
    print(f"Within the default limits, the slowest: {worst[0]}, {worst[1] * 1e3:.1f} ms")


if __name__ == "__main__":
    main()
