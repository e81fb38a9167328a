"""Starts Chromium on the page beside this file, and collects what it saw."""

from __future__ import annotations

import contextlib
import http.server
import json
import shutil
import subprocess
import tempfile
import threading
from dataclasses import dataclass
from pathlib import Path

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
PAGE = Path(__file__).with_name("page.html")
WAYS = ("parse", "inner", "again")


@dataclass(frozen=True)
class Run:
    """The places, in the list of markup, of what ran or would have run, by the way it went in."""

    parse: frozenset[int]
    inner: frozenset[int]
    again: frozenset[int]

    @property
    def any(self) -> frozenset[int]:
        return self.parse | self.inner | self.again


def _command(profile):
    return [
        CHROMIUM,
        "--headless=new",
        "--no-sandbox",
        "--disable-gpu",
        "--no-first-run",
        "--disable-background-networking",
        "--disable-dev-shm-usage",
        "--disable-popup-blocking",
        "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost",
        f"--user-data-dir={profile}",
    ]


def open_page(address, *, timeout=60):
    """Return what a page has become after its scripts ran, and what the browser said of it."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        flags = ["--dump-dom", "--enable-logging=stderr"]
        done = subprocess.run(
            [*_command(profile), *flags, address],
            capture_output=True,
            timeout=timeout,
            text=True,
            check=True,
        )
    said = [line for line in done.stderr.splitlines() if ":CONSOLE" in line]
    return done.stdout, said


def which_run(markup, *, port=0, timeout=120, settle=25):
    """Put each piece of markup into a page three ways, twice, and return which ran a script.

    Once scripts may run, and are caught at `alert()` and its like. Once the Content-Security-Policy
    forbids them, and what would have run is what the browser reports as a violation.
    """
    done = threading.Event()
    seen = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            found = {
                "/": ("text/html; charset=utf-8", PAGE.read_bytes()),
                "/markup.json": (
                    "application/json",
                    json.dumps({"markup": list(markup), "settle": settle}).encode(),
                ),
            }.get(self.path)
            self.send_response(200 if found else 404)
            self.send_header("Content-Type", found[0] if found else "text/plain")
            self.end_headers()
            # A frame that is gone by now reads nothing.
            with contextlib.suppress(ConnectionError):
                self.wfile.write(found[1] if found else b"")

        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(204)
            self.end_headers()
            if self.path == "/seen" and not done.is_set():
                seen.append(json.loads(body))
                done.set()

        def log_message(self, *args):
            pass

    with (
        http.server.ThreadingHTTPServer(("127.0.0.1", port), Handler) as server,
        tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile,
    ):
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        address = f"http://127.0.0.1:{server.server_address[1]}/"
        browser = subprocess.Popen(
            [*_command(profile), address],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            if not done.wait(timeout):
                raise TimeoutError(f"the browser did not answer within {timeout} s")
        finally:
            browser.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                browser.wait(10)
            browser.kill()
            browser.wait()
            server.shutdown()
            thread.join()
    return Run(**{way: frozenset(seen[0][way]) for way in WAYS})
