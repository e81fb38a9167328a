"""What a guarded request costs as the table of grants grows, beside the peers' stack.

    DATABASE_URL=... REDIS_URL=... [PREPARED=1] python -m benchmarks.growth [results.json]

From two grants to a million; at each size for a caller with two grants, and for one who is in 64
groups and holds 500 scopes on both of its sides. The site has 2,000 endpoints more.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

from django.contrib.auth import get_user_model
from django.core.management import call_command
from django.db import connection
from oauth2_provider.models import Application

from benchmarks import crowd
from benchmarks.rounds import Spread, interleaved
from benchmarks.stacks import STACKS, Stack, seed, stacks

SIZES = (2, 1_000, 10_000, 100_000, 1_000_000)
REQUESTS, ROUNDS = 60, 9
MEASURED = ("peers, 1 rate", "guard, 3 rates")
RICH = "guard, 3 rates, rich caller"


def callers():
    """Return what is measured: two stacks for a poor caller, and the guard for a rich one."""
    calls = {name: call for name, call in stacks(seed("poor")).items() if name in MEASURED}
    token = seed("rich")
    calls[RICH] = Stack(STACKS["guard, 3 rates"][0], token, is_guarded=True)
    return calls


def measure(calls):
    for call in calls.values():
        for _ in range(20):
            call()
    return interleaved(calls, REQUESTS, ROUNDS)


def main():
    call_command("migrate", verbosity=0, run_syncdb=True)
    crowd.empty()
    calls = callers()
    rich = get_user_model()._default_manager.get(username="rich")
    client = Application.objects.get(name="rich")
    database = connection.vendor + (", prepared" if os.environ.get("PREPARED") else "")
    results = {"database": database, "sizes": []}
    for size in SIZES:
        if size > 2:
            crowd.fill(size)
            crowd.enrich(rich, client)
        taken = measure(calls)
        results["sizes"].append({"grants": size, "microseconds": taken})
        for name, values in taken.items():
            print(f"{database:22} {size:9,} grants  {name:28} {Spread.of(values)}", flush=True)
    if len(sys.argv) > 1:
        Path(sys.argv[1]).write_text(json.dumps(results))


if __name__ == "__main__":
    main()
