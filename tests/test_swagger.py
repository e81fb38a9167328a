"""The example's Swagger page, in a browser: its Authorize asks the example's own server."""

from __future__ import annotations

import json

import pytest

from tests.browser.admin import browsing
from tests.browser.chromium import CHROMIUM
from tests.test_example_project import free_port, served

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed")


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    with served(tmp_path_factory.mktemp("swagger"), free_port(), "tests.strict_example") as site:
        yield site


@pytest.fixture
def swagger(site):
    """The page, what the browser said of it, and the addresses that it asked for."""
    with browsing() as (page, said):
        asked = []
        page.context.on("request", lambda request: asked.append(request.url))
        page.goto(f"{site.url}/docs/")
        page.locator(".opblock").first.wait_for()
        yield page, said, asked


def try_out(page, operation):
    """Execute an operation as it stands, and return the status and the body of the answer."""
    block = page.locator(f"#operations-{operation}")
    block.locator(".opblock-summary-control").click()
    block.get_by_role("button", name="Try it out").click()
    block.get_by_role("button", name="Execute").click()
    answer = block.locator(".live-responses-table tbody tr").first
    body = answer.locator(".highlight-code code").first.inner_text()
    return int(answer.locator(".response-col_status").first.inner_text().split()[0]), body


def test_authorize_signs_in_consents_and_brings_a_token(site, swagger):
    page, said, asked = swagger
    status, body = try_out(page, "notes-notes_list")
    assert (status, json.loads(body)["code"]) == (401, "not_authenticated")

    page.get_by_role("button", name="Authorize").first.click()
    flow = page.locator(".auth-container", has_text="Authorization URL")
    assert flow.locator("#client_id_authorizationCode").input_value() == "demo"
    with page.expect_popup() as opened:
        flow.locator("button.authorize").click()
    window = opened.value
    window.fill("#id_username", "alice")
    window.fill("#id_password", site.passwords["alice"])
    window.get_by_role("button", name="Log in").click()
    assert "Read notes" in window.inner_text("body")
    with window.expect_event("close"):
        window.get_by_role("button", name="Allow").click()
    flow.get_by_text("Logout").wait_for()
    page.locator(".close-modal").click()

    page.locator("#operations-notes-notes_list").get_by_role("button", name="Execute").click()
    answer = page.locator("#operations-notes-notes_list .live-responses-table tbody tr").first
    answer.locator(".response-col_status", has_text="200").wait_for()
    assert "Shopping list" in answer.inner_text()
    # Nothing comes from elsewhere, and the policy stops no script and no style: only three icons,
    # which Swagger writes into its style sheet.
    assert {url for url in asked if not url.startswith((site.url, "data:"))} == set()
    stopped = [line for line in said if "Content Security Policy" in line]
    assert [line for line in stopped if "image 'data:image/svg+xml" not in line] == []
    failed = [line for line in said if "error" in line.lower() and "401" not in line]
    assert failed == []
