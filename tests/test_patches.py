"""A patch of inserted lines is one that `git apply` takes, whatever the file looks like."""

from __future__ import annotations

import os
import subprocess

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from api_guard.core.patches import MARK, Insertion, inserted, lines_of, patch_of

LINE = st.sampled_from([b"", b"a", b"b", b" x", b"\x0c", b"\xff", b"a\rb"])
PLACES = ["f.py", "a b/f.py", 'ü/"q.py', "t\tx.py", "a\\b.py"]


@pytest.mark.parametrize("data", [b"", b"a", b"a\n", b"a\r\nb", b"\n\n", b"a\rb\x0c\n"])
def test_lines_are_those_of_git(data):
    assert b"".join(lines_of(data)) == data
    assert all(line.count(b"\n") <= 1 for line in lines_of(data))


def applied(folder, path, data, patch):
    file = folder / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(data)
    subprocess.run(
        ["git", "apply", "--whitespace=nowarn"],
        cwd=folder,
        input=patch,
        check=True,
        env={**os.environ, "GIT_CEILING_DIRECTORIES": str(folder.parent)},
    )
    return file.read_bytes()


@settings(
    max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(data=st.data())
def test_git_makes_of_the_patch_what_was_inserted(tmp_path_factory, data):
    end = data.draw(st.sampled_from([b"\n", b"\r\n"]))
    before = [line + end for line in data.draw(st.lists(LINE, min_size=1, max_size=25))]
    if is_marked := data.draw(st.booleans()):
        before[0] = MARK + before[0]
    if data.draw(st.booleans()):
        before[-1] = before[-1].removesuffix(end) + b"z"
    places = data.draw(st.sets(st.integers(0, len(before)), min_size=1, max_size=5))
    added = [
        Insertion(
            at, tuple(line + end for line in data.draw(st.lists(LINE, min_size=1, max_size=3)))
        )
        for at in sorted(places)
    ]
    path = data.draw(st.sampled_from(PLACES))
    patch = patch_of(path, before, added)
    folder = tmp_path_factory.mktemp("patched")
    after = applied(folder, path, b"".join(before), patch)
    assert after == b"".join(inserted(before, added))
    # No line is lost, and a last line without an end has none afterwards.
    if added[-1].lines[-1] != end:
        assert after.endswith(end) == before[-1].endswith(end)
    assert after.startswith(MARK) == is_marked
    kept = iter(lines_of(after.removeprefix(MARK)))
    before[0] = before[0].removeprefix(MARK)
    assert all(
        any(line.rstrip(b"\r\n") == each.rstrip(b"\r\n") for each in kept) for line in before
    )


def test_insertions_far_apart_are_hunks_of_their_own(tmp_path):
    before = [b"%d\n" % number for number in range(40)]
    added = [Insertion(at, (b"new\n",)) for at in (30, 2, 9, 4)]
    patch = patch_of("f.py", before, added)
    assert patch.count(b"@@ -") == 2
    assert applied(tmp_path, "f.py", b"".join(before), patch) == b"".join(inserted(before, added))
