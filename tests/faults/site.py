"""Starts the site, asks it as its callers do, and notes how each was answered."""

from __future__ import annotations

import base64
import http.client
import json
import os
import socket
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlencode

ROOT = Path(__file__).parent.parent.parent
FORM = {"Content-Type": "application/x-www-form-urlencoded"}


@dataclass(frozen=True)
class Answer:
    status: int
    retry_after: str | None
    code: str
    seconds: float


def basic(name, secret):
    encoded = base64.b64encode(f"{name}:{secret}".encode()).decode()
    return {"Authorization": f"Basic {encoded}"}


CLIENT = basic("web", "secret")
LOGIN = urlencode({"username": "root", "password": "root"})
# What each caller sends: a method, a path, a body and header fields.
CALLERS = {
    "token": ("GET", "/granted", None, {"Authorization": "Bearer good"}),
    "expired grant": ("GET", "/granted", None, {"Authorization": "Bearer late"}),
    "bad token": ("GET", "/granted", None, {"Authorization": "Bearer bad"}),
    "password": ("GET", "/password", None, basic("alice", "wonderland")),
    "newcomer's password": ("GET", "/password", None, basic("newcomer", "new")),
    "stranger's password": ("GET", "/password", None, basic("stranger", "wrong")),
    "client secret": ("POST", "/o/token/", "grant_type=client_credentials", {**CLIENT, **FORM}),
    "introspection": ("POST", "/o/introspect/", "token=good", {**CLIENT, **FORM}),
    "login": ("POST", "/admin/login/?next=/admin/", LOGIN, FORM),
    "rate": ("GET", "/counted", None, {}),
    "remote token": ("GET", "/remote", None, {"Authorization": "Bearer remote"}),
    "broken rule": ("GET", "/broken-rule", None, {"Authorization": "Bearer good"}),
    "rule without a store": ("GET", "/cannot-tell", None, {"Authorization": "Bearer good"}),
}


class Site:
    """A process that serves the site."""

    def __init__(self, database, cache, **api_guard):
        self.environment = {
            **os.environ,
            "DJANGO_SETTINGS_MODULE": "tests.faults.settings",
            "FAULTS_DATABASE": json.dumps(database),
            "FAULTS_CACHE": json.dumps(cache),
            "FAULTS_API_GUARD": json.dumps(api_guard),
        }
        self.start()

    def start(self):
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.faults"],
            cwd=ROOT,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        said = self.process.stdout.readline()
        assert said, "the site did not start"
        self.port = json.loads(said)["port"]

    def ask(self, caller, address="203.0.113.9"):
        method, path, body, fields = CALLERS[caller]
        headers = {**fields, "X-Forwarded-For": address}
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        began = time.monotonic()
        try:
            if caller == "login":
                headers |= self._csrf(path, headers)
            began = time.monotonic()
            connection.request(method, path, body, headers)
            response = connection.getresponse()
            data = response.read()
        finally:
            connection.close()
        seconds = time.monotonic() - began
        return Answer(response.status, response.headers["Retry-After"], _code(data), seconds)

    def _csrf(self, path, headers):
        """What Django's forms want: a cookie, and the same in a field."""
        return {"Cookie": "csrftoken=" + "a" * 32, "X-CSRFToken": "a" * 32}

    def close(self):
        self.process.terminate()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.process.stdout.close()


class Workers(Site):
    """The site in gunicorn's sync workers, which it ends when a request takes four seconds."""

    def start(self):
        super().start()  # fills the database
        self.close()
        options = ["--bind", f"127.0.0.1:{self.port}", "--workers", "3", "--timeout", "4"]
        options += ["--preload"]  # or a busy machine starts workers too slowly for that
        self.process = subprocess.Popen(
            [sys.executable, "-m", "gunicorn", *options, "django.core.wsgi:get_wsgi_application()"],
            cwd=ROOT,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        for _ in range(600):
            with suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 1):
                return
            time.sleep(0.05)
        raise AssertionError("gunicorn did not start")


def _code(data):
    try:
        said = json.loads(data)
    except ValueError:
        return ""
    return str(said.get("code") or said.get("error") or "") if isinstance(said, dict) else ""


@contextmanager
def load(site, callers, address="203.0.113.9", rate=20):
    """Ask `rate` times a second, in turns, and yield the list of answers that grows meanwhile."""
    answers, is_over = [], threading.Event()

    def one(caller):
        answers.append((caller, site.ask(caller, address)))

    def run():
        with ThreadPoolExecutor(200) as pool:
            began, number = time.monotonic(), 0
            while not is_over.is_set():
                pool.submit(one, callers[number % len(callers)])
                number += 1
                time.sleep(max(0.0, began + number / rate - time.monotonic()))

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield answers
    finally:
        is_over.set()
        thread.join(120)
