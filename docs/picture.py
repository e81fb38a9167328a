"""Makes the picture of the README: runs the example, and takes the picture of a terminal."""

from __future__ import annotations

import html
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import textwrap
import time
from pathlib import Path

from PIL import Image

ROOT = Path(__file__).resolve().parent.parent
PICTURE = ROOT / "docs" / "terminal.png"
PORT = 8043
# What is typed, and what of it is kept: nobody reads three lines of JSON.
TYPED = (
    "manage guard_check",
    "get /notes/ $ALICE",
    "manage guard_revoke --client demo --scope notes:read",
    "get /notes/ $ALICE",
    "manage guard_can --user alice --client demo GET /notes/",
    "manage guard_grant --client demo notes:read --reason 'The demo goes on'",
    "get /notes/ $ALICE",
)
COLUMNS = 100
STYLE = """
body { margin: 0; background: #10151c; }
pre { margin: 0; padding: 18px 22px; font: 15px/1.42 monospace; color: #d5dbe3; }
b { color: #7ee2a8; font-weight: normal; }
i { color: #ffd479; font-style: normal; }
"""


def main() -> None:
    """Run the lines against the example, and take the picture. Needs curl and Chromium."""
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    if chromium is None:
        sys.exit("The picture needs Chromium: install Debian's package chromium.")
    with tempfile.TemporaryDirectory() as folder:
        said = terminal(Path(folder))
        page = Path(folder) / "page.html"
        page.write_text(
            f"<!doctype html><meta charset=utf-8><style>{STYLE}</style><pre>{said}</pre>"
        )
        height = 36 + 22 * (said.count("\n") + 1)
        take = ["--headless", "--no-sandbox", "--hide-scrollbars", "--disable-gpu"]
        size = [f"--window-size=960,{height}", f"--screenshot={PICTURE}"]
        subprocess.run([chromium, *take, *size, page.as_uri()], check=True, capture_output=True)
    shrink(PICTURE)


def shrink(picture: Path) -> None:
    """Text needs few colours, and a repository keeps every version of a picture."""
    with Image.open(picture) as image:
        image.convert("RGB").quantize(64).save(picture, optimize=True)


def environment_of(folder: Path) -> dict[str, str]:
    """Return the environment of an example of its own."""
    return {
        **os.environ,
        "DATABASE_URL": f"sqlite:///{folder / 'notes.sqlite3'}",
        "SECRET_KEY": "only for this picture, and long enough for every check of Django's",
        "REDIS_URL": "",
    }


def terminal(folder: Path) -> str:
    """Return what a terminal shows, as HTML."""
    environment = environment_of(folder)
    command = [sys.executable, "example_project/manage.py", "demo", "--json", "--port", str(PORT)]
    with subprocess.Popen(
        command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True
    ) as server:
        try:
            shell = json.loads(server.stdout.readline())["shell"]
            wait()
            lines = [shell, *(f"{typed}; echo ----" for typed in TYPED)]
            done = subprocess.run(
                ["sh", "-c", "\n".join(lines)],
                cwd=ROOT,
                env=environment,
                capture_output=True,
                text=True,
                check=True,
            )
        finally:
            server.terminate()
    answers = done.stdout.split("----\n")
    return "\n".join(told(typed, answer) for typed, answer in zip(TYPED, answers, strict=False))


def wait() -> None:
    """Wait until the server listens."""
    for _ in range(600):
        try:
            socket.create_connection(("127.0.0.1", PORT), timeout=1).close()
        except OSError:
            time.sleep(0.1)
        else:
            return
    sys.exit("The example does not start: see example_project/demo.log.")


def told(typed: str, answer: str) -> str:
    """Return a line that was typed, and its answer; of a long line its begin and its status."""
    kept = []
    for line in answer.strip().splitlines():
        begin, _, status = line.rpartition(" ")
        if typed.startswith("get"):
            short = begin if len(begin) < COLUMNS - 6 else f"{begin[: COLUMNS - 9]}..."
            kept.append(f"{html.escape(short)} <i>{status}</i>")
        else:
            indent = " " * (len(line) - len(line.lstrip()) + 2)
            wrapped = textwrap.wrap(line, COLUMNS, subsequent_indent=indent)
            kept += map(html.escape, wrapped)
    return "\n".join([f"<b>$ {html.escape(typed)}</b>", *kept])


if __name__ == "__main__":
    main()
