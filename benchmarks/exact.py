"""Whether a limit holds: 16 threads in each of 4 processes, against gunicorn with 2 workers.

    REDIS_URL=redis://... python -m benchmarks.exact [port]

gunicorn must be installed. Each run sends 800 requests as one caller through a real view, whose
limit is 100; it prints how many were admitted.
"""

from __future__ import annotations

import http.client
import os
import subprocess
import sys
import time
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from functools import partial

RUNS, PROCESSES, THREADS, REQUESTS = 5, 4, 16, 800


def ask(port, path, _number):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    try:
        connection.request("GET", path)
        return connection.getresponse().status
    finally:
        connection.close()


def ask_many(port, path, number):
    with ThreadPoolExecutor(THREADS) as pool:
        return list(pool.map(partial(ask, port, path), range(number)))


def run(port, path):
    share = [REQUESTS // PROCESSES] * PROCESSES
    with ProcessPoolExecutor(PROCESSES) as pool:
        return [
            status for some in pool.map(partial(ask_many, port, path), share) for status in some
        ]


def start(port):
    bind = f"127.0.0.1:{port}"
    command = [sys.executable, "-m", "gunicorn", "benchmarks.site:application", "-b", bind]
    options = ["--workers", "2", "--threads", "8", "--log-level", "error"]
    return subprocess.Popen([*command, *options])


def main():
    port = int(sys.argv[1]) if len(sys.argv) > 1 else 8000
    os.environ.setdefault("REDIS_URL", "redis://127.0.0.1:6379/0")
    server = start(port)
    try:
        time.sleep(3)
        for name in ("one", "three", "sliding"):
            admitted = []
            for number in range(RUNS):
                found = run(port, f"/{name}/{os.getpid()}/{number}")
                assert set(found) <= {200, 429}, set(found)
                admitted.append(found.count(200))
            print(f"{name:8} admitted of {REQUESTS}: {admitted}")
    finally:
        server.terminate()
        server.wait()


if __name__ == "__main__":
    main()
