"""Redis and Memcached on ports of their own, and a way to them that can be made slow."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import threading
import time
from contextlib import suppress

import pytest


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as free:
        return free.getsockname()[1]


class Cache:
    """Started, stopped at once, hung, and started again."""

    def __init__(self, program, *arguments):
        if shutil.which(program) is None:
            pytest.skip(f"{program} is not installed")
        self.port = free_port()
        self.command = [program, *(part.format(port=self.port) for part in arguments)]
        self.process = None

    def start(self):
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        self.process = subprocess.Popen(self.command, **quiet)
        for _ in range(600):
            if self.answers():
                return self
            time.sleep(0.02)
        raise AssertionError(f"{self.command[0]} did not start")

    def answers(self):
        """Whether it answers; of one that hung, as soon as it does."""
        with suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 30) as asked:
            asked.sendall(b"PING\r\n")
            return bool(asked.recv(64))
        return False

    def stop(self):
        if self.process is not None:
            self.resume()
            self.process.kill()
            self.process.wait(60)
            self.process = None

    def hang(self):
        os.kill(self.process.pid, signal.SIGSTOP)

    def resume(self):
        os.kill(self.process.pid, signal.SIGCONT)

    close = stop


def redis():
    pytest.importorskip("redis")
    quiet = ("--save", "", "--appendonly", "no", "--maxmemory-policy", "noeviction")
    return Cache("redis-server", "--bind", "127.0.0.1", "--port", "{port}", *quiet)


def memcached():
    pytest.importorskip("pymemcache")
    user = ("-u", "root") if os.getuid() == 0 else ()
    return Cache("memcached", "-l", "127.0.0.1", "-p", "{port}", *user)


class Slow:
    """Passes on what comes, `delay` seconds later in each direction."""

    def __init__(self, port):
        self.to, self.delay, self.ends = port, 0.0, []
        self.listening = socket.create_server(("127.0.0.1", 0), backlog=128)
        self.port = self.listening.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        with suppress(OSError):
            while True:
                here, _ = self.listening.accept()
                there = socket.create_connection(("127.0.0.1", self.to))
                self.ends += (here, there)
                for pair in ((here, there), (there, here)):
                    threading.Thread(target=self._pass, args=pair, daemon=True).start()

    def _pass(self, one, other):
        with suppress(OSError):
            while data := one.recv(65536):
                time.sleep(self.delay)
                other.sendall(data)
        for end in (one, other):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def close(self):
        for end in (self.listening, *self.ends):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()
