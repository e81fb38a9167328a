"""Every page of the admin in a browser, in Django's look with a strict policy, and in unfold's."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from tests.browser.chromium import CHROMIUM
from tests.browser.javascript import installed, told_by
from tests.test_example_project import free_port, served

# What axe looks at: what is not Django's own, or not unfold's.
DJANGO = {
    "include": [["#content"]],
    "exclude": [[".selector"], ["#toolbar"], ["#changelist-filter"], [".select2"], [".datetime"]],
}
UNFOLD = {"include": [[".api-guard"], [".grants-scopes"]]}


@pytest.fixture(scope="module", params=["tests.strict_example", "tests.unfold_example"])
def walked(request, tmp_path_factory):
    """What the browser saw on each page."""
    pytest.importorskip("unfold")
    folder = installed(tmp_path_factory.mktemp("javascript"))
    pictures = os.environ.get("PICTURES")
    if pictures:
        pictures = f"{pictures}/{request.param}"
        Path(pictures).mkdir(parents=True, exist_ok=True)
    with served(tmp_path_factory.mktemp("admin"), free_port(), request.param) as site:
        words = {
            "site": site.url,
            "password": site.passwords["admin"],
            "parts": UNFOLD if "unfold" in request.param else DJANGO,
            "executablePath": CHROMIUM,
            "pictures": pictures,
        }
        [line] = told_by(folder, "walk.mjs", json.dumps(words), 900)
    return json.loads(line)


def test_every_page_opens_fits_a_phone_and_is_accessible(walked):
    pages = walked["pages"]
    assert len(pages) >= 3 * 12
    assert {name: page for name, page in pages.items() if page["status"] != 200} == {}
    assert {name: page["flaws"] for name, page in pages.items() if page["flaws"]} == {}
    assert [name for name, page in pages.items() if not page["fits"]] == []
    assert walked["said"] == []
