"""A PostgreSQL server of its own, on a port of its own."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import tempfile
import time
from contextlib import suppress
from pathlib import Path

import pytest

from tests.replica.clusters import OPTIONS, owner, programs

# More than wait for a server that hangs: it takes them in when it is back, though nobody is there.
MOST_CONNECTIONS = 300


def children_of(pid):
    return Path(f"/proc/{pid}/task/{pid}/children")


class PostgreSQL:
    """Started, stopped at once as by a crash, hung as a whole, and started again."""

    def __init__(self):
        if not children_of(os.getpid()).exists():
            pytest.skip("this kernel does not say which processes a server has")
        self.folder, self.user = programs(), owner()
        self.as_user = {}
        self.directory = tempfile.TemporaryDirectory(prefix="pg-")
        root = Path(self.directory.name)
        if self.user is not None:
            ids = {"user": self.user.pw_uid, "group": self.user.pw_gid}
            self.as_user = {**ids, "extra_groups": []}
            os.chown(root, *ids.values())
        self.data, self.log, self.process = root / "data", root / "log", None
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = free.getsockname()[1]
        made = [self.folder / "initdb", "-D", self.data, "-U", "postgres", "-A", "trust"]
        made += ["-E", "UTF8", "--no-sync"]
        subprocess.run(made, check=True, capture_output=True, cwd=root, **self.as_user)

    def start(self):
        said = [option for option in OPTIONS if not option.startswith("listen")]
        said += ["listen_addresses=127.0.0.1", f"max_connections={MOST_CONNECTIONS}"]
        said += ["superuser_reserved_connections=0"]
        settings = [f"-c{option}" for option in said]
        command = [self.folder / "postgres", "-D", self.data, "-p", str(self.port)]
        with self.log.open("a") as log:
            self.process = subprocess.Popen(
                [*command, "-k", self.data, *settings],
                stdout=log,
                stderr=log,
                cwd=self.directory.name,
                **self.as_user,
            )
        for _ in range(600):
            if self.answers():
                return self
            time.sleep(0.05)
        raise AssertionError(self.log.read_text())

    def answers(self):
        """Whether it takes connections."""
        ready = [self.folder / "pg_isready", "-q", "-h", "127.0.0.1", "-p", str(self.port)]
        return subprocess.run(ready, check=False, timeout=60, **self.as_user).returncode == 0

    def stop(self):
        """Take it away at once, with all its connections."""
        if self.process is not None:
            self.resume()
            self.process.send_signal(signal.SIGQUIT)
            self.process.wait(60)
            self.process = None

    def hang(self):
        self._signal(signal.SIGSTOP)

    def resume(self):
        self._signal(signal.SIGCONT)

    def _signal(self, number):
        # Each of its processes is a leader of its own, so that no group holds them all.
        self.process.send_signal(number)
        for child in children_of(self.process.pid).read_text().split():
            with suppress(ProcessLookupError):
                os.kill(int(child), number)

    def close(self):
        self.stop()
        self.directory.cleanup()
