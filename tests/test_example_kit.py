"""The example's own tests pass, and each leak in a copy of it fails them with its line."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
VIEWS = "example_project/notes/views.py"
LENIENT = """

class Lenient(HasScopes):
    def has_permission(self, request, view):
        try:
            return super().has_permission(request, view)
        except Exception:
            return True


"""


def run_tests(folder):
    """Run the tests of the example in `folder`, and return the code and what they printed."""
    told = {
        "DATABASE_URL": "sqlite://:memory:",
        "DJANGO_SETTINGS_MODULE": "example_project.settings",
        "PYTHONPATH": f"{folder}{os.pathsep}{ROOT}",
        "SECRET_KEY": "only for this test, and long enough for every check of Django's",
        "REDIS_URL": "",
    }
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:schemathesis"],
        cwd=folder / "example_project",
        env={**os.environ, **told},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    return done.returncode, done.stdout + done.stderr


@pytest.fixture
def copy(tmp_path):
    """A function that changes the views of a copy of the example."""
    ignored = shutil.ignore_patterns("__pycache__", "*.sqlite3", "*.secret_key")
    shutil.copytree(ROOT / "example_project", tmp_path / "example_project", ignore=ignored)

    def change(before, after):
        path = tmp_path / VIEWS
        text = path.read_text()
        assert text.count(before) == 1, before
        path.write_text(text.replace(before, after))

    change.folder = tmp_path
    return change


def line_of(copy, text):
    lines = (copy.folder / VIEWS).read_text().splitlines()
    return next(number for number, line in enumerate(lines, start=1) if text in line)


def test_the_example_s_own_tests_pass(copy):
    code, said = run_tests(copy.folder)
    assert code == 0, said


NOTEBOOKS = '"notes:write", owner="owner")'
EVERY = "lambda caller: Q(pk__gt=0)"
# What is changed in the views, what the kit then says, and of which line.
LEAKS = {
    "no guard": (
        {'@guard(read=STAFF, write=(STAFF, "audit:write"))\n': ""},
        r"notes\.views\.AuditView, at /audit/ \(notes/views\.py:LINE\): write @guard",
        "class AuditView",
    ),
    "objects of others on GET": (
        {NOTEBOOKS: f'"notes:write", owner={{"write": "owner"}}, objects={{"read": {EVERY}}})'},
        r"GET /notebooks/\S+, \S+NotebookViewSet \(notes/views\.py:LINE\): object, 200",
        'owner={"write": "owner"}, objects={"read": lambda',
    ),
    "objects of others on write": (
        {NOTEBOOKS: f'"notes:write", owner={{"read": "owner"}}, objects={{"write": {EVERY}}})'},
        r"PATCH /notebooks/\S+, \S+NotebookViewSet \(notes/views\.py:LINE\): object, 200",
        'owner={"read": "owner"}',
    ),
    "a field that takes objects of others": (
        {
            "    actions={": '    related={"notebook": ANY_OBJECT},\n    actions={',
            "from api_guard import PUBLIC": "from api_guard import ANY_OBJECT, PUBLIC",
        },
        r"POST /notes/\$, \S+NoteViewSet \(notes/views\.py:LINE\): field notebook, 201",
        "@guard(",
    ),
    "an outage that opens": (
        {
            "class TitleList(": LENIENT.lstrip() + "class TitleList(",
            '[HasScopes("notes:read")]': '[Lenient("notes:read")]',
        },
        r"Without its database, (?:.|\n)*GET /titles/, \S+TitleList \(notes/views\.py:LINE\)",
        "class TitleList",
    ),
}


@pytest.mark.parametrize("leak", LEAKS)
def test_one_leak_of_each_kind_fails_them_and_is_named_with_its_line(copy, leak):
    changes, said, at = LEAKS[leak]
    for before, after in changes.items():
        copy(before, after)
    code, printed = run_tests(copy.folder)
    assert code == 1, printed
    assert re.search(said.replace("LINE", str(line_of(copy, at))), printed), printed
