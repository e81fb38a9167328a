"""The tutorial and "An existing project", walked literally in a bare environment."""

from __future__ import annotations

import os
import re
import shutil
from datetime import timedelta

import pytest
from django.utils import timezone

from tests.moving import asked_by_clients, existing_project
from tests.projects import git
from tests.walking import DOCS, Walk, bare_environment, blocks_until

pytestmark = pytest.mark.skipif(
    not (shutil.which("curl") and shutil.which("bash") and shutil.which("git")),
    reason="the pages are told in lines for a shell",
)


@pytest.fixture(scope="module")
def python(tmp_path_factory):
    python, installed = bare_environment(tmp_path_factory.mktemp("bare") / "environment")
    if installed.returncode and "CI" not in os.environ:
        pytest.skip("pip cannot install what is needed")
    assert installed.returncode == 0, installed.stderr
    return python


@pytest.fixture
def walk(tmp_path, python):
    walk = Walk(tmp_path, python)
    yield walk
    walk.close()


def test_the_tutorial_says_what_happens(walk):
    walk.follow(blocks_until("tutorial.md"))
    shown = re.findall(r"^\$ (.*)$", (DOCS / "tutorial.md").read_text(), re.MULTILINE)
    assert len(walk.typed) == len(shown) > 15
    assert "All is well" in walk.terminal.type("python manage.py guard_check")


# The page has the days of its own time.
DAYS = {
    '"2026-12-01"': f'"{timezone.localdate() - timedelta(days=2)}"',
    '"2027-01-31"': f'"{timezone.localdate() + timedelta(days=30)}"',
}
# What is answered in another way as soon as there is a guard: with another status, or a body with
# more in it.
AT_ONCE = {
    ("alice", "GET", "/api/count/"): (403, 403),
    ("bob", "PUT", "/api/notes/2/"): (200, 400),
    ("exporter", "DELETE", "/api/count/"): (403, 405),
}
ENFORCED = {
    **AT_ONCE,
    ("dave", "POST", "/api/tags/"): (403, 403),
    ("", "GET", "/api/notes/"): (403, 401),
}


def _changed(before, now):
    return {
        call: (answer[0], now[call][0]) for call, answer in before.items() if answer != now[call]
    }


def test_an_existing_project_is_moved_and_no_client_breaks(tmp_path, python):
    walk = Walk(tmp_path, python, instead=DAYS)
    try:
        _move(walk)
    finally:
        walk.close()
    shown = re.findall(r"^ *\$ (.*)$", (DOCS / "existing.md").read_text(), re.MULTILINE)
    assert [line.replace(f":{walk.port}", ":8000") for line in walk.typed] == shown
    assert '"the move"' in (tmp_path / "ledger.jsonl").read_text()


def _move(walk):
    def follow(begin, end):
        walk.follow(blocks_until("existing.md", f"## {end}", begin=f"## {begin}"))

    existing_project(walk.folder, walk.terminal)
    before = asked_by_clients(walk)
    follow("1. Install it", "2. Report")
    views = (walk.folder / "notes/views.py").read_text()
    guarded = re.findall(r"^@guard.*\n(?:@.*\n)*\w+ (\w+)", views, re.MULTILINE)
    assert guarded == ["NoteViewSet", "TagViewSet", "Count", "ping"]

    walk.terminal.type("ALICE=alice")
    follow("2. Report", "4. Grant")
    assert _changed(before, asked_by_clients(walk)) == AT_ONCE
    follow("4. Grant", "5. Give")
    assert _changed(before, asked_by_clients(walk)) == AT_ONCE
    assert "Nothing to grant." in walk.terminal.type("python manage.py guard_suggest decisions.log")

    follow("5. Give", "6. Enforce")
    walk.stop()
    settings = walk.folder / "config/settings.py"
    text = settings.read_text()
    settings.write_text(re.sub(r'    "REPORT_ONLY": \{.*?\n    \},\n', "", text, flags=re.DOTALL))
    assert settings.read_text() != text
    follow("6. Enforce", "Undo")
    after = asked_by_clients(walk)
    assert _changed(before, after) == ENFORCED
    assert {after[call][1].get("code") for call in ENFORCED} == {
        "staff_only",
        "malformed_body",
        "insufficient_scope",
        "not_authenticated",
        None,  # the 405 is that of the view
    }

    follow("Undo", "What it took")
    walk.stop()
    git(walk.folder, "checkout", "-q", ".")
    assert asked_by_clients(walk) == before
