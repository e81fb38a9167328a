"""The tutorial and "An existing project", walked literally in a bare environment."""

from __future__ import annotations

import os
import re
import shutil

import pytest

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


def test_an_existing_project_is_closed_by_its_patch(walk, tmp_path):
    walk.follow(blocks_until("tutorial.md", "## Install it, and ask"))
    git(tmp_path, "init", "-q")
    apps = 'INSTALLED_APPS += ["rest_framework", "oauth2_provider", "api_guard"]\n'
    existing = list(blocks_until("existing.md", "## 2. Report"))
    assert apps in [code for _, _, code in existing]
    settings = tmp_path / "config" / "settings.py"
    settings.write_text(settings.read_text() + apps.replace('"rest_framework", ', ""))
    lines = next(code for language, _, code in existing if language == "console")
    walk.follow([("console", "", lines)])
    left = walk.terminal.type("python manage.py guard_check")
    assert set(re.findall(r"[EW]\d{3}", left)) <= {"E001", "W018"}, left
    views = tmp_path / "notes" / "views.py"
    views.write_text(re.sub(r"\)  # whose rows.*", ', owner="author")', views.read_text()))
    settings.write_text(settings.read_text().replace('APIRootView": ""', 'APIRootView": "routes"'))
    assert "All is well" in walk.terminal.type("python manage.py guard_check")
    assert "Applying api_guard" in walk.terminal.type("python manage.py migrate")
