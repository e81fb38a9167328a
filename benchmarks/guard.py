"""What a guarded request costs, beside django-oauth-toolkit with a throttle of DRF: the peers.

    DATABASE_URL=... REDIS_URL=... [PREPARED=1] python -m benchmarks.guard [requests] [rounds]

All are called in one process, in turns, through Django's whole WSGI handler, on the same tables and
the same cache. "its two waits" is bare DRF with the query and the script of a guarded request that
has three rates: what is left if everything that the guard does in Python were free.
"""

from __future__ import annotations

import os
import platform
import sys

import django
from django.core.cache import cache
from django.core.management import call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext

from benchmarks import floor
from benchmarks.rounds import Spread, interleaved, ratios
from benchmarks.stacks import seed, stacks


def queries(call):
    with CaptureQueriesContext(connection) as captured:
        call()
    return len(captured)


def main():
    requests = int(sys.argv[1]) if len(sys.argv) > 1 else 200
    rounds = int(sys.argv[2]) if len(sys.argv) > 2 else 11
    call_command("migrate", verbosity=0, run_syncdb=True)
    calls = stacks(seed())
    for call in calls.values():
        for _ in range(20):
            call()  # warm, and record the first use
    floor.take_waits_of(calls["guard, 3 rates"])
    taken = interleaved(calls, requests, rounds)
    print(
        f"Python {platform.python_version()}, Django {django.__version__}, {connection.vendor}"
        f"{', prepared' if os.environ.get('PREPARED') else ''}, "
        f"{type(cache._connections[cache._alias]).__name__}, {requests} requests, {rounds} rounds"
    )
    for name, values in taken.items():
        ratio = Spread.of(ratios(taken, name, "peers, 1 rate"))
        print(
            f"{name:16} {Spread.of(values)!s:36} {ratio.median:5.2f} of the peers "
            f"({ratio.low:.2f} to {ratio.high:.2f}), {queries(calls[name])} queries"
        )


if __name__ == "__main__":
    main()
