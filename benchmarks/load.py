"""Requests a second and latencies, end to end: gunicorn, a database and Redis under wrk.

    DATABASE_URL=... REDIS_URL=... [PREPARED=1] python -m benchmarks.load [seconds] [rounds]

gunicorn and wrk must be installed. Each stack has a gunicorn of its own, with two of its plain
workers: with threads, the connections of a round are spread over the processes by chance. wrk asks
them in turns, four requests at a time.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import statistics
import subprocess
import sys
import time
import urllib.error
import urllib.request
from dataclasses import dataclass

from django.core.cache import cache
from django.core.management import call_command

from benchmarks.stacks import STACKS, seed

FIRST_PORT, CONNECTIONS = 8400, 4
TO_MS = {"us": 1e-3, "ms": 1.0, "s": 1e3}
LATENCY = r"^ *{}% +([\d.]+)(us|ms|s)\b"
STARTUP = 60


@dataclass(frozen=True)
class Load:
    """What wrk found in one round: requests a second, and latencies in milliseconds."""

    rate: float
    p50: float
    p99: float

    @classmethod
    def read(cls, said):
        """Read the output of wrk. Raises AssertionError if a request failed."""
        failed = re.search(r"Non-2xx.*|Socket errors.*", said)
        if failed:
            raise AssertionError(failed[0])
        found = [re.search(LATENCY.format(percent), said, re.M) for percent in (50, 99)]
        p50, p99 = (float(one[1]) * TO_MS[one[2]] for one in found)
        return cls(float(re.search(r"Requests/sec:\s+([\d.]+)", said)[1]), p50, p99)


@contextlib.contextmanager
def served(port, *, is_guarded):
    """Run gunicorn until the block ends."""
    command = [sys.executable, "-W", "ignore", "-m", "gunicorn", "benchmarks.wsgi:application"]
    options = ["--bind", f"127.0.0.1:{port}", "--workers", "2", "--log-level", "critical"]
    environ = {**os.environ, "UNGUARDED": "" if is_guarded else "1"}
    server = subprocess.Popen([*command, *options], env=environ)
    try:
        yield
    finally:
        server.terminate()
        server.wait()


def headers(token):
    return {"Authorization": f"Bearer {token}", "Accept": "application/json"}


def wait_for(url, token):
    ends = time.monotonic() + STARTUP
    while True:
        try:
            with urllib.request.urlopen(urllib.request.Request(url, headers=headers(token))):
                return
        except urllib.error.HTTPError:
            raise
        except OSError:
            if time.monotonic() > ends:
                raise
            time.sleep(0.2)


def ask(url, token, seconds):
    command = ["wrk", "--latency", "-t", "1", "-c", str(CONNECTIONS), "-d", f"{seconds}s"]
    for name, value in headers(token).items():
        command += ["-H", f"{name}: {value}"]
    done = subprocess.run([*command, url], capture_output=True, text=True, check=True)
    return Load.read(done.stdout)


def spread(values, digits):
    low, median, high = statistics.quantiles(values, n=4, method="inclusive")
    return f"{median:8.{digits}f} ({low:.{digits}f} to {high:.{digits}f})"


def main():
    seconds = int(sys.argv[1]) if len(sys.argv) > 1 else 5
    rounds = int(sys.argv[2]) if len(sys.argv) > 2 else 7
    missing = [name for name in ("DATABASE_URL", "REDIS_URL") if name not in os.environ]
    missing += [] if shutil.which("wrk") else ["wrk (Debian's package wrk)"]
    if missing:
        print(f"benchmarks.load: SKIPPED, for several processes need {' and '.join(missing)}")
        return
    call_command("migrate", verbosity=0, run_syncdb=True)
    token = seed()
    with contextlib.ExitStack() as servers:
        urls = {}
        measured = [each for each in STACKS.items() if each[0] != "its two waits"]
        for port, (name, (url, is_guarded)) in enumerate(measured, FIRST_PORT):
            servers.enter_context(served(port, is_guarded=is_guarded))
            urls[name] = f"http://127.0.0.1:{port}{url}"
        for url in urls.values():
            wait_for(url, token)
            ask(url, token, 1)  # warm
        found = {name: [] for name in urls}
        for _ in range(rounds):
            for name, url in urls.items():
                cache.clear()
                found[name].append(ask(url, token, seconds))
    for name, loads in found.items():
        print(
            f"{name:16} {spread([each.rate for each in loads], 0)} requests/s, "
            f"p50 {spread([each.p50 for each in loads], 2)} ms, "
            f"p99 {spread([each.p99 for each in loads], 2)} ms"
        )


if __name__ == "__main__":
    main()
