"""pgbouncer, gunicorn and uvicorn, as a site has them."""

from __future__ import annotations

import http.client
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from tests.faults.caches import free_port
from tests.replica.clusters import owner

ROOT = Path(__file__).parent.parent.parent


def stop(process):
    process.terminate()
    try:
        process.wait(20)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def wait_for(port, process):
    for _ in range(1200):
        with suppress(OSError):
            asked = http.client.HTTPConnection("127.0.0.1", port, timeout=120)
            asked.connect()
            asked.close()
            return
        assert process.poll() is None, f"{process.args[0]} ended"
        time.sleep(0.05)
    raise AssertionError(f"{process.args[0]} does not listen")


@contextmanager
def pgbouncer(sockets):
    """Yield the port of a pgbouncer that gives a connection for a transaction, and has few."""
    program = shutil.which("pgbouncer", path=f"{os.environ['PATH']}:/usr/sbin")
    if program is None:
        pytest.skip("pgbouncer is not installed")
    user = owner()
    with tempfile.TemporaryDirectory(prefix="api_guard-") as folder:
        port = free_port()
        config = Path(folder) / "pgbouncer.ini"
        config.write_text(
            "[databases]\n"
            f"postgres = host={sockets} dbname=postgres user=postgres\n"
            "[pgbouncer]\n"
            f"listen_addr = 127.0.0.1\nlisten_port = {port}\nunix_socket_dir =\n"
            "auth_type = any\npool_mode = transaction\ndefault_pool_size = 3\n"
            "ignore_startup_parameters = extra_float_digits\n"
            f"logfile = {folder}/log\npidfile = {folder}/pid\n"
        )
        as_user = {}
        if user is not None:
            os.chown(folder, user.pw_uid, user.pw_gid)
            as_user = {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}
        process = subprocess.Popen([program, "-q", str(config)], cwd=folder, **as_user)
        try:
            wait_for(port, process)
            yield port
        finally:
            stop(process)


def environment(database, cache, urls="tests.deployed.urls"):
    return {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "tests.deployed.settings",
        "DEPLOYED_URLCONF": urls,
        "DEPLOYED_DATABASE": json.dumps(database),
        "DEPLOYED_CACHE": json.dumps(cache),
    }


def run(arguments, env):
    """Run a module of Python to its end."""
    done = subprocess.run(
        [sys.executable, "-m", *arguments],
        cwd=ROOT, env=env, capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr


@contextmanager
def served(server, env):
    """Yield the port of the site, which several processes serve."""
    port = free_port()
    command = {
        "gunicorn": [
            "gunicorn", "api_guard.wsgi:get_wsgi_application()", "--workers", "3", "--threads", "4",
            "--bind", f"127.0.0.1:{port}", "--log-level", "error",
        ],
        "uvicorn": [
            "uvicorn", "api_guard.asgi:get_asgi_application", "--factory", "--workers", "3",
            "--port", str(port), "--log-level", "error", "--lifespan", "off",
        ],
    }[server]  # fmt: skip
    process = subprocess.Popen([sys.executable, "-m", *command], cwd=ROOT, env=env)
    try:
        wait_for(port, process)
        yield port
    finally:
        stop(process)


def ask(port, path, token=None, method="GET"):
    """Return the status of one request."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    headers = {} if token is None else {"Authorization": f"Bearer {token}"}
    try:
        connection.request(method, path, headers=headers)
        response = connection.getresponse()
        response.read()
        return response.status
    finally:
        connection.close()
