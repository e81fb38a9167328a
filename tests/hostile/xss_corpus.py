"""Sends corpora of XSS vectors through the preset `editor`, and asks Chromium what is left of them.

    python -m tests.hostile.xss_corpus DIRECTORY [--raw] [--preset comment]

DIRECTORY holds files of public corpora, fetched by you: payloadbox/xss-payload-list,
swisskyrepo/PayloadsAllTheThings, PortSwigger/xss-cheatsheet-data, cure53/DOMPurify (expect.mjs),
cure53/H5SC, and similar ones. Of JSON and source code, each string is a vector, of any other file
each line. A vector without "<" is put into the attributes of a link, an image and a frame.

Both engines clean each vector. The result goes into Chromium as a page (`parse`), as `innerHTML`
(`inner`), and read from `innerHTML` and written again (`again`). `--raw` first counts what runs
uncleaned, to prove that the browser would have noticed it. The last line counts what ran.
"""

from __future__ import annotations

import re
import sys
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path

import django
from django.conf import settings

if not settings.configured:
    settings.configure()
    django.setup()

from api_guard.core.flaws import FlawError
from api_guard.input.sanitizers import PRESETS, RichText
from tests.browser import which_run

LONGEST = 20_000
TOGETHER, A_START = 20, 500
_CODE = {".json", ".js", ".mjs", ".py", ".rs", ".java", ".ts"}
_LITERAL = re.compile(r"\"((?:[^\"\\]|\\.)*)\"|'((?:[^'\\]|\\.)*)'|`((?:[^`\\]|\\.)*)`", re.DOTALL)
_ESCAPE = re.compile(r"\\(?:x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|(.))", re.DOTALL)
_SHORT = {"n": "\n", "t": "\t", "r": "\r", "0": "\0", "f": "\f", "b": "\b", "v": "\v", "\n": ""}


def vectors_in(directory: Path) -> Iterator[str]:
    """Yield every vector in the files below `directory`."""
    for file in sorted(each for each in directory.rglob("*") if each.is_file()):
        text = file.read_text("utf-8", "replace")
        if file.suffix in _CODE:
            # By lines too: an apostrophe in a comment is no literal's beginning.
            for line in (text, *text.splitlines()):
                yield from (_meant("".join(found.groups(""))) for found in _LITERAL.finditer(line))
        else:
            yield from text.splitlines()


def _meant(literal: str) -> str:
    def meant(found: re.Match[str]) -> str:
        code = found[1] or found[2]
        return chr(int(code, 16)) if code else _SHORT.get(found[3], found[3])

    return _ESCAPE.sub(meant, literal)


def markup_of(vector: str) -> Iterator[str]:
    """Yield the markup that `vector` is, or the markup around it."""
    if "<" in vector:
        yield vector
        yield f"<p title='{vector}'>{vector}"
    elif ":" in vector or "&" in vector or "(" in vector:
        quoted = vector.replace('"', "&quot;")
        yield f'<a href="{quoted}">x</a><img src="{quoted}"><iframe src="{quoted}"></iframe>'
        yield f'<a title={vector}>x</a><p style="color:{quoted}" class="{quoted}">x</p>'


def ran(pieces: list[str], *, is_clean: bool = True) -> Counter[str]:
    """Return how many of the `pieces` each way ran. Print them if they should have been clean."""
    found: Counter[str] = Counter()
    for start in range(0, len(pieces), A_START):
        some = pieces[start : start + A_START]
        run = which_run(some, timeout=120 + len(some))
        found += Counter({way: len(getattr(run, way)) for way in ("parse", "inner", "again")})
        found["any"] += len(run.any)
        for place in sorted(run.any if is_clean else ()):
            print(f"ran: {some[place]!r}")
    return found


def cleaned(vectors: Iterable[str], engine: str, preset: str) -> tuple[list[str], Counter[str]]:
    """Return what `engine` leaves of the vectors, and what became of them."""
    rich = RichText(PRESETS[preset], LONGEST)
    left: dict[str, None] = {}
    counts: Counter[str] = Counter()
    slowest = 0.0
    for html in (html for vector in vectors for html in markup_of(vector)):
        started = time.perf_counter()
        try:
            clean = rich.clean(html, engine)  # type: ignore[arg-type]
        except FlawError as error:
            counts[f"refused ({error.flaw.code})"] += 1
        else:
            counts["kept" if "<" in clean else "text"] += 1
            left[clean] = None
            if rich.clean(clean, engine) != clean:  # type: ignore[arg-type]
                print(f"not stable: {html!r}")
        slowest = max(slowest, time.perf_counter() - started)
    print(f"{engine}: {dict(sorted(counts.items()))}, the slowest took {slowest * 1e3:.0f} ms")
    return [clean for clean in left if "<" in clean], counts


def main(arguments: list[str]) -> int:
    """Print the report, and return 1 if anything ran."""
    preset = arguments[arguments.index("--preset") + 1] if "--preset" in arguments else "editor"
    vectors = list(dict.fromkeys(vectors_in(Path(arguments[0]))))
    vectors = [each for each in vectors if any(markup_of(each)) and len(each) < LONGEST // 3]
    print(f"{len(vectors)} vectors, preset {preset}", flush=True)
    if "--raw" in arguments:
        found = ran([vector for vector in vectors if "<" in vector], is_clean=False)
        print(f"uncleaned: {dict(found)}", flush=True)
    failed = 0
    for engine in ("nh3", "bleach"):
        left, _ = cleaned(vectors, engine, preset)
        groups = ["\n".join(left[at : at + TOGETHER]) for at in range(0, len(left), TOGETHER)]
        found = ran(groups)
        failed += found["any"]
        print(
            f"{engine}: {len(left)} different outputs in Chromium, {found['any']} ran", flush=True
        )
    print(f"{failed} ran")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
