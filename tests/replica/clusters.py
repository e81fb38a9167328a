"""A PostgreSQL primary and a standby that lags, on Unix sockets in a temporary directory."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

NEEDED = ("initdb", "pg_basebackup", "postgres", "pg_isready")
# Nothing here outlives a crash, so that nothing waits for a disk.
OPTIONS = ("fsync=off", "listen_addresses=", "max_wal_senders=4", "shared_buffers=16MB")


def programs():
    """Return the folder of PostgreSQL's programs, and skip the test where there is none."""
    folders = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: path.parent.name)
    on_path = shutil.which("initdb")
    for folder in [*reversed(folders), *([Path(on_path).parent] if on_path else [])]:
        if all((folder / name).exists() for name in NEEDED):
            return folder
    pytest.skip("the programs of a PostgreSQL server are not installed")


def owner():
    """Return the user that a server may run as: PostgreSQL refuses root."""
    if os.geteuid() != 0:
        return None
    try:
        return pwd.getpwnam("postgres")
    except KeyError:
        pytest.skip("there is no user whom PostgreSQL may run as")


@contextmanager
def lagging(seconds):
    """Yield the folders of the sockets of a primary and of a standby that lags."""
    folder, user = programs(), owner()
    as_user = (
        {} if user is None else {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}
    )
    with ExitStack() as stack:
        # Short: the path of a socket has room for some hundred letters.
        root = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="pg-")))
        if user is not None:
            os.chown(root, user.pw_uid, user.pw_gid)

        def run(program, *arguments):
            command = [folder / program, *arguments]
            subprocess.run(command, check=True, capture_output=True, cwd=root, **as_user)

        def serve(data, *options):
            sockets = root / f"{data}-sockets"
            sockets.mkdir(mode=0o777)
            sockets.chmod(0o777)
            settings = (f"-c{option}" for option in (*OPTIONS, *options))
            with (root / f"{data}.log").open("w") as log:
                process = subprocess.Popen(
                    [folder / "postgres", "-D", data, "-k", sockets, *settings],
                    stdout=log,
                    stderr=log,
                    cwd=root,
                    **as_user,
                )
            stack.callback(stop, process)
            ready = [folder / "pg_isready", "-q", "-h", sockets]
            for _ in range(300):
                if subprocess.run(ready, check=False, **as_user).returncode == 0:
                    return sockets
                time.sleep(0.1)
            raise AssertionError((root / f"{data}.log").read_text())

        run("initdb", "-D", "primary", "-U", "postgres", "-A", "trust", "-E", "UTF8", "--no-sync")
        primary = serve("primary")
        run("pg_basebackup", "-h", primary, "-U", "postgres", "-D", "standby", "-R", "--no-sync",
            "-c", "fast")  # fmt: skip
        yield primary, serve("standby", f"recovery_min_apply_delay={seconds}s")


def stop(process):
    process.send_signal(signal.SIGINT)
    try:
        process.wait(20)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
