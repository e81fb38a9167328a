"""Servers of a test's own, on Unix sockets, to stop, to hang and to fill."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from contextlib import suppress
from pathlib import Path

import pytest

from api_guard.limits.counters import faults

REDIS = "django.core.cache.backends.redis.RedisCache"
DJANGO_REDIS = "django_redis.cache.RedisCache"
MEMCACHED = "django.core.cache.backends.memcached.PyMemcacheCache"

# Seconds that a server is waited for: a busy machine answers within it.
TIMEOUT = 0.6


class Server:
    """A process that listens on a socket."""

    def __init__(self, *command):
        self.directory = tempfile.TemporaryDirectory(prefix="api_guard-")
        self.socket = Path(self.directory.name) / "socket"
        self.command = [part.format(socket=self.socket) for part in command]
        self.process = None

    def start(self):
        self.process = subprocess.Popen(self.command, stdout=subprocess.DEVNULL)
        for _ in range(1500):
            # The file is there a moment before anybody listens on it.
            with suppress(OSError), socket.socket(socket.AF_UNIX) as asked:
                asked.connect(str(self.socket))
                return self
            assert self.process.poll() is None, f"{self.command[0]} ended"
            time.sleep(0.02)
        raise AssertionError(f"{self.command[0]} did not start")

    def stop(self):
        if self.process is not None:
            self.resume()
            self.process.kill()
            self.process.wait()
            self.process = None
            self.socket.unlink(missing_ok=True)

    def hang(self):
        os.kill(self.process.pid, signal.SIGSTOP)

    def resume(self):
        os.kill(self.process.pid, signal.SIGCONT)
        faults.end_pause()


def _server(program, *arguments):
    if shutil.which(program) is None:
        pytest.skip(f"{program} is not installed")
    server = Server(program, *arguments).start()
    yield server
    server.stop()
    server.directory.cleanup()


def _redis():
    pytest.importorskip("redis")
    quiet = ("--port", "0", "--save", "", "--appendonly", "no", "--loglevel", "warning")
    yield from _server("redis-server", *quiet, "--unixsocket", "{socket}")


@pytest.fixture(scope="session")
def shared_redis():
    yield from _redis()


@pytest.fixture
def own_redis():
    """A Redis server that a test may stop, hang and fill."""
    yield from _redis()


def _memcached():
    pytest.importorskip("pymemcache")
    user = ("-u", "root") if os.getuid() == 0 else ()
    yield from _server("memcached", "-s", "{socket}", *user)


@pytest.fixture(scope="session")
def memcached():
    yield from _memcached()


@pytest.fixture
def own_memcached():
    """A Memcached that a test may stop and hang."""
    yield from _memcached()


@pytest.fixture
def count_on(settings):
    """Have rates counted on a server, or on a cache of this backend."""

    def count_on(backend, server=None, **options):
        cache = {"BACKEND": backend, "KEY_PREFIX": f"test-{time.monotonic_ns()}"}
        if server is not None:
            scheme = "unix:" if backend == MEMCACHED else "unix://"
            cache["LOCATION"] = f"{scheme}{server.socket}"
        if options:
            cache["OPTIONS"] = options
        settings.CACHES = {"default": settings.CACHES["default"], "rates": cache}
        settings.RATELIMIT_USE_CACHE = "rates"

    return count_on
