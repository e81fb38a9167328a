"""A person who follows a page of the docs: writes and types what it shows, and compares."""

from __future__ import annotations

import json
import os
import re
import shutil
import socket
import subprocess
import sys
import textwrap
import time
from http.client import HTTPConnection
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
DOCS = ROOT / "docs"
BLOCK = re.compile(
    r"^(?P<space> *)```(?:\{code-block\} )?(?P<language>\w+)\n"
    r"(?: *:caption: (?P<caption>[^\n]*)\n)?(?P<code>.*?)^(?P=space)```$",
    re.MULTILINE | re.DOTALL,
)
END = "__the_end_of_an_answer__"


_NO_SOURCE = (".*", "build", "dist", "*.egg-info", "__pycache__", "_build", "node_modules", "tests")


def bare_environment(folder):
    """Make an environment that has this checkout and what pip installs with it, and no more."""
    subprocess.run([sys.executable, "-m", "venv", folder], check=True)
    python = folder / "bin" / "python"
    # pip builds where the source is, and another worker may do so at the same time.
    source = shutil.copytree(ROOT, folder / "source", ignore=shutil.ignore_patterns(*_NO_SOURCE))
    install = [python, "-m", "pip", "install", "-q", "--disable-pip-version-check", str(source)]
    done = subprocess.run(install, capture_output=True, text=True, check=False)
    return python, done


def blocks_until(page, heading="", begin=""):
    """Yield the blocks of a page, up to a heading, or from another one that far."""
    text = (DOCS / page).read_text()
    text = text[text.index(f"\n{begin}") :] if begin else text
    text = text[: text.index(f"\n{heading}")] if heading else text
    for found in BLOCK.finditer(text):
        yield found["language"], found["caption"] or "", textwrap.dedent(found["code"])


class Terminal:
    """A shell that stays open, in which `python` is that of an environment."""

    def __init__(self, folder, python):
        kept = {k: v for k, v in os.environ.items() if k in ("HOME", "LANG", "TMPDIR")}
        path = f"{Path(python).parent}:{os.environ['PATH']}"
        self.shell = subprocess.Popen(
            ["bash"],
            cwd=folder,
            env={**kept, "PATH": path, "DJANGO_SUPERUSER_PASSWORD": "wonderland"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self.type("shopt -s expand_aliases; export PYTHONUNBUFFERED=1")

    def type(self, line):
        """Return what is said."""
        self.shell.stdin.write(f"{line}\necho; echo {END}\n")
        self.shell.stdin.flush()
        said = []
        for answer in self.shell.stdout:
            if answer.strip() == END:
                return "".join(said)
            said.append(answer)
        raise AssertionError(f"the shell ended after {line}: {''.join(said)}")

    def close(self):
        self.shell.stdin.close()
        self.shell.wait(timeout=30)
        self.shell.stdout.close()


class Walk:
    """One walk through a page, in a folder of its own. `instead` replaces what a file shows."""

    def __init__(self, folder, python, instead=()):
        self.instead = dict(instead)
        self.folder = folder
        self.port = free_port()
        self.terminal = Terminal(folder, python)
        self.token = self.server = None
        self.typed = []

    def follow(self, blocks):
        """Do what each block shows. One without a caption is an example of other projects."""
        for language, caption, code in blocks:
            if language == "console":
                self._type(code)
            elif language == "python" and caption:
                self._write(caption, code)

    def close(self):
        self.stop()
        self.terminal.close()

    def ask(self, name, method, path, body=None):
        """Return the answer to a request over HTTP: its status, its JSON, and its challenge.

        `body` is text, or what to write as JSON.
        """
        self.serve()
        headers = {"Content-Type": "application/json"}
        if name:
            headers["Authorization"] = f"Token {name}"
        connection = HTTPConnection("127.0.0.1", self.port, timeout=60)
        text = body if body is None or isinstance(body, str) else json.dumps(body)
        connection.request(method, path, text, headers)
        with connection.getresponse() as answer:
            said = json.load(answer)
        connection.close()
        return answer.status, said, answer.headers["WWW-Authenticate"]

    def _write(self, caption, code):
        file, _, how = caption.partition(", ")
        for shown, meant in self.instead.items():
            code = code.replace(shown, meant)
        path = self.folder / file
        if file.startswith("in the shell"):
            (self.folder / "typed.py").write_text(code)
            said = self.terminal.type("python manage.py shell < typed.py")
            assert "Error" not in said, said
            return
        self.stop()  # the next request is for a server that has read the file
        text = path.read_text() if how else ""
        if how == "at its end":
            text += f"\n{code}"
        elif how == "in urlpatterns":
            text = text.replace("urlpatterns = [\n", f"urlpatterns = [\n    {code}")
        elif how == "instead of API_GUARD":
            text = re.sub(r"^API_GUARD = .*\Z", code, text, flags=re.MULTILINE | re.DOTALL)
        elif how == "the reasons":
            for name, reason in re.findall(r'^(".*"): (".*"),$', code, re.MULTILINE):
                assert f'{name}: ""' in text, name
                text = text.replace(f'{name}: ""', f"{name}: {reason}")
        elif how == "in the base class":
            text = re.sub(
                r"^class .*\(APITestCase\):\n", rf"\g<0>{_in(4, code)}\n", text, flags=re.M
            )
        elif how == "in setUp()":
            text = re.sub(r"def setUp\(self\):\n( {8}.*\n)+", rf"\g<0>{_in(8, code)}", text)
        elif how == "the new lines":
            for line, after in re.findall(
                r"^(@guard.*|from api_guard.*)\n(.*)", code, re.MULTILINE
            ):
                begin = after.partition(" ...")[0].partition(":")[0]
                text = text.replace(begin, f"{line}\n{begin}", 1)
        else:
            text = code
        path.write_text(text)

    def _type(self, code):
        code = code.replace(":8000", f":{self.port}")
        for part in re.split(r"^\$ ", code, flags=re.MULTILINE)[1:]:
            line, _, shown = part.partition("\n")
            self._do(line, shown)

    def _do(self, line, shown):
        self.typed.append(line)
        if line.endswith(("manage.py shell", "runserver")):
            return  # what is typed into it follows; a server runs while it is asked
        if "createsuperuser" in line:
            line += " --noinput"  # the password would be typed twice
        if self.token is not None:
            line = re.sub(r"Bearer [\w.]+", f"Bearer {self.token}", line)
        if line.startswith(("curl", "token")):
            self.serve()
        said = self.terminal.type(line)
        got = re.search(r'"access_token": "(\w+)"', said)
        self.token = got[1] if got else self.token
        self._compare(line, shown, said)

    def _compare(self, line, shown, said):
        """Each line that the page shows is said, in this order; `...` stands for anything."""
        rest = said
        for wanted in shown.strip().splitlines():
            if wanted == "...":
                continue
            wanted = re.sub(r'"\w+\.\.\."', '"..."', wanted.strip())  # the begin of a secret
            pattern = re.escape(wanted).replace(re.escape("..."), ".*")
            found = re.search(pattern, rest)
            assert found, f"{line}\nshows: {wanted}\nsaid:\n{said}"
            rest = rest[found.end() :]

    def serve(self):
        if self.server is not None:
            return
        self.terminal.type(
            f"python manage.py runserver --noreload {self.port} > server.log 2>&1 & SERVER=$!"
        )
        self.server = True
        for _ in range(600):
            try:
                socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
            except OSError:
                time.sleep(0.1)
            else:
                return
        raise AssertionError((self.folder / "server.log").read_text())

    def stop(self):
        if self.server is not None:
            self.terminal.type("kill $SERVER; wait $SERVER")
            self.server = None


def _in(spaces, code):
    # A backslash would be one of the replacement.
    return textwrap.indent(code, " " * spaces).replace("\\", r"\\")


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as server:
        return server.getsockname()[1]
