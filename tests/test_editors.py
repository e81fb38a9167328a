"""What real editors write, typed into in Chromium, and what the preset for them takes away."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from collections import Counter
from html.parser import HTMLParser
from pathlib import Path

import pytest

from api_guard.input.sanitizers import PRESETS, sanitize
from tests.browser import CHROMIUM

EDITORS = Path(__file__).parent / "editors"
DOCS = Path(__file__).parents[1] / "docs"
PLAYER_OPTIONS = (
    *("autoplay", "disablekbcontrols", "enableiframeapi", "endtime", "ivloadpolicy", "loop"),
    *("modestbranding", "origin", "playlist", "rel", "start"),
)
# What is lost of each, as the docs have it; an attribute of a tag, a property, or a class.
LOST = {
    "ckeditor5": {
        "li style --ck-content-list-marker-color",
        "li style --ck-content-list-marker-font-family",
        "span style display",
    },
    "tinymce": set(),
    "quill": {"span contenteditable", "div spellcheck"},
    "tiptap": {f"iframe {name}" for name in PLAYER_OPTIONS},
    "trix": set(),
    "markdown": set(),
}
NAMES = {
    "ckeditor5": "CKEditor 5",
    "tinymce": "TinyMCE",
    "quill": "Quill",
    "tiptap": "Tiptap",
    "trix": "Trix",
    "markdown": "GitHub-flavoured Markdown",
}


class _Reader(HTMLParser):
    def __init__(self):
        super().__init__()
        self.found = Counter()
        self.text = ""

    def handle_starttag(self, tag, attrs):
        self.found[f"<{tag}>"] += 1
        for name, value in attrs:
            if name == "style":
                properties = re.findall(r"([\w-]+)\s*:", re.sub(r"\([^)]*\)", "", value))
                self.found.update(f"{tag} style {each}" for each in properties)
            elif name == "class":
                self.found.update(f"{tag} class {each}" for each in value.split())
            else:
                self.found[f"{tag} {name}"] += 1

    def handle_data(self, data):
        self.text += data


def read(html):
    reader = _Reader()
    reader.feed(html)
    reader.close()
    return reader


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """What each editor has made of what was typed into it."""
    if CHROMIUM is None or shutil.which("npm") is None:
        pytest.skip("Chromium or npm is not on this machine")
    folder = tmp_path_factory.mktemp("editors")
    shutil.copytree(EDITORS, folder, dirs_exist_ok=True)
    install = "npm install --no-package-lock --no-audit --no-fund --silent --legacy-peer-deps"
    done = subprocess.run(install.split(), cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode and "CI" not in os.environ:
        pytest.skip("the editors cannot be had")
    assert done.returncode == 0, done.stderr
    typed = subprocess.run(
        ["node", "type.mjs", CHROMIUM, *LOST],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert typed.returncode == 0, typed.stderr
    found = [json.loads(line) for line in typed.stdout.splitlines()]
    assert [each["failed"] for each in found] == [[]] * len(LOST)
    return {each["name"]: each["written"] for each in found}


@pytest.mark.parametrize("engine", ["nh3", "bleach"])
def test_an_editor_loses_what_the_docs_say_and_no_word(written, engine):
    lost = {}
    for name, html in written.items():
        assert len(read(html).found) > 20, html
        clean = sanitize(html, PRESETS["editor"], engine=engine, max_length=100_000)
        before, after = read(html), read(clean)
        assert re.sub(r"\s+", " ", after.text) == re.sub(r"\s+", " ", before.text)
        lost[name] = set(before.found - after.found)
        assert sanitize(clean, PRESETS["editor"], engine=engine, max_length=100_000) == clean
    assert lost == LOST


def test_what_is_lost_stands_in_the_docs():
    text = (DOCS / "fields.md").read_text()
    for name, lost in LOST.items():
        (row,) = re.findall(rf"^\| {re.escape(NAMES[name])} \|.*$", text, re.MULTILINE)
        said = {word for code in re.findall(r"`([^`]+)`", row) for word in code.split()}
        assert {each.split()[-1] for each in lost} <= said, name
        assert bool(lost) != ("nothing" in row)
