"""Opens pages of the admin in Chromium, as a person does, under a strict policy for content."""

from __future__ import annotations

import os
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.browser.chromium import CHROMIUM

POLICY = "default-src 'self'"
PHONE, DESK = (390, 844), (1280, 900)


def with_policy(get_response):
    """Middleware that forbids inline scripts and styles, and everything from elsewhere."""

    def respond(request):
        response = get_response(request)
        response.headers["Content-Security-Policy"] = POLICY
        return response

    return respond


@contextmanager
def browsing(*, size=DESK, dark=False, scripts=True):
    """Open a page, and collect what the browser complains about."""
    sync_api = pytest.importorskip("playwright.sync_api")
    with sync_api.sync_playwright() as started:
        browser = started.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        width, height = size
        context = browser.new_context(
            viewport={"width": width, "height": height},
            color_scheme="dark" if dark else "light",
            java_script_enabled=scripts,
            locale="en-GB",
        )
        context.set_default_timeout(120_000)  # a busy machine is slow
        page = context.new_page()
        said: list[str] = []
        # Chromium asks for an icon of its own accord.
        page.route("**/favicon.ico", lambda route: route.fulfill(status=204))
        page.on("console", lambda message: said.append(message.text))
        page.on("pageerror", lambda error: said.append(str(error)))
        try:
            yield page, said
        finally:
            browser.close()


def sign_in(page, client, url):
    """Carry the session of a signed-in test client into the browser."""
    [name] = [name for name in client.cookies if name == "sessionid"]
    value = client.cookies[name].value
    page.context.add_cookies([{"name": name, "value": value, "url": url}])


def shot(page, name):
    """Keep a picture, for whoever looks at the pages."""
    if folder := os.environ.get("SCREENSHOTS"):
        page.screenshot(path=Path(folder) / f"{name}.png", full_page=True)
