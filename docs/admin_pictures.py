"""Makes the pictures of the admin: runs the example, gives access, and takes the pictures."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from picture import PORT, ROOT, environment_of, shrink, wait
from playwright.sync_api import Page, sync_playwright

SITE = f"http://127.0.0.1:{PORT}"
# Django's code, run by `manage.py shell`: what an everyday site holds.
FILLED = """
from datetime import timedelta
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group
from django.utils import timezone
from api_guard import grants

admin = get_user_model().objects.get(username="admin")
soon = timezone.now() + timedelta(days=5)
by = grants.System("a picture")
for name in ("nora", "mallory", "tom"):
    user = get_user_model().objects.create_user(name)
    grants.grant("notes:read", user, by=by, reason="the new team")
grants.grant("notes:write", user, by=by, expires_at=soon, reason="for the migration")
alice = get_user_model().objects.get(username="alice")
grants.grant("audit:write", alice, by=by, expires_at=soon, reason="INC-1234")
bob = get_user_model().objects.get(username="bob")
grants.request("notes:publish", by=bob, reason="I edit the summer issue", expires_at=soon)
"""
PICTURES = {
    "admin_access": "/admin/api_guard/access/user/{alice}/",
    "admin_request": "/admin/api_guard/grantrequest/1/change/",
    "admin_matrix": "/admin/api_guard/matrix/",
}


def main() -> None:
    """Take every picture. Needs Chromium."""
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    if chromium is None:
        sys.exit("The pictures need Chromium: install Debian's package chromium.")
    with tempfile.TemporaryDirectory() as folder:
        environment = environment_of(Path(folder))
        manage = [sys.executable, "example_project/manage.py"]
        seeded = subprocess.run(
            [*manage, "demo", "--no-serve", "--json", "--port", str(PORT)],
            cwd=ROOT,
            env=environment,
            stdout=subprocess.PIPE,
            text=True,
            check=True,
        )
        subprocess.run([*manage, "shell", "-c", FILLED], cwd=ROOT, env=environment, check=True)
        serve = [*manage, "runserver", "--noreload", f"127.0.0.1:{PORT}"]
        with (
            subprocess.Popen(serve, cwd=ROOT, env=environment) as server,
            sync_playwright() as play,
        ):
            try:
                wait()
                browser = play.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
                page = browser.new_page(viewport={"width": 1200, "height": 800})
                sign_in(page, json.loads(seeded.stdout)["passwords"]["admin"])
                take(page)
                browser.close()
            finally:
                server.terminate()


def sign_in(page: Page, password: str) -> None:
    """Sign in as the superuser, with the sidebar closed."""
    page.goto(f"{SITE}/admin/login/?next=/admin/")
    page.fill("#id_username", "admin")
    page.fill("#id_password", password)
    page.keyboard.press("Enter")
    page.wait_for_url(f"{SITE}/admin/")
    page.evaluate("localStorage.setItem('django.admin.navSidebarIsOpen', 'false')")


def take(page: Page) -> None:
    """Take the pictures."""
    page.goto(f"{SITE}/admin/api_guard/access/?q=alice")
    alice = page.locator("#result_list a", has_text="alice").get_attribute("href")
    for name, path in PICTURES.items():
        page.goto(SITE + (str(alice) if "{alice}" in path else path))
        if name == "admin_matrix":
            page.get_by_role("link", name="without a group").click()
            page.wait_for_load_state()
        picture = ROOT / "docs" / f"{name}.png"
        height = 620 if name == "admin_matrix" else 760
        page.screenshot(path=picture, clip={"x": 0, "y": 0, "width": 1200, "height": height})
        shrink(picture)


if __name__ == "__main__":
    main()
