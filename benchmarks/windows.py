"""How far fixed and sliding windows are from an exact log of requests: a simulation.

    python -m benchmarks.windows

The arithmetic is that of the counters, with a clock of its own. Of each kind of traffic it prints
the most that was admitted in any one period, as a share of the limit, and how much was admitted of
what an exact log would have let through.
"""

from __future__ import annotations

import random
from bisect import bisect_right

from api_guard.core.rates import Rate, window_of

PERIOD = 60_000
LIMIT = 100


def at_the_edge(seed):
    """One request, which begins a window; the rest just before its end, and all again after it."""
    del seed
    times = []
    for start in range(0, 30 * PERIOD, 3 * PERIOD):
        edge = start + PERIOD
        times += [start, *[edge - 50] * (LIMIT - 1), *[edge + 50] * LIMIT]
    return times


def steady(share):
    def traffic(seed):
        chance = random.Random(seed)
        now, times = 0.0, []
        while now < 30 * PERIOD:
            now += chance.expovariate(LIMIT * share / PERIOD)
            times.append(int(now))
        return times

    return traffic


def in_waves(seed):
    """Five seconds of eight times the rate, then silence for half a period to two."""
    chance = random.Random(seed)
    now, times = 0, []
    while now < 30 * PERIOD:
        times += sorted(now + chance.randrange(5000) for _ in range(LIMIT))
        now += chance.randrange(PERIOD // 2, 2 * PERIOD)
    return times


def by_window(rate, times):
    window, admitted = window_of(rate), []
    for now in times:
        if window.room(rate, now).wait == 0:
            window = window.taken(rate, now, 1)
            admitted.append(now)
    return admitted


def by_log(times):
    admitted = []
    for now in times:
        if len(admitted) - bisect_right(admitted, now - PERIOD) < LIMIT:
            admitted.append(now)
    return admitted


def densest(admitted):
    return max(n + 1 - bisect_right(admitted, t - PERIOD) for n, t in enumerate(admitted))


def main():
    kinds = {
        "all of it at the edge": at_the_edge,
        "steady, 0.9 of the limit": steady(0.9),
        "steady, the limit": steady(1.0),
        "steady, 1.5 of the limit": steady(1.5),
        "steady, 5 of the limit": steady(5.0),
        "waves": in_waves,
    }
    print(f"{LIMIT} in {PERIOD // 1000} s; 30 periods, 10 seeds")
    print(f"{'traffic':26} {'window':8} {'most in a period':>17} {'admitted of a log':>18}")
    for name, traffic in kinds.items():
        for kind, rate in (
            ("fixed", Rate(LIMIT, 60)),
            ("sliding", Rate(LIMIT, 60, is_sliding=True)),
        ):
            most, admitted, exact = 0, 0, 0
            for seed in range(10):
                times = traffic(seed)
                found = by_window(rate, times)
                most = max(most, densest(found))
                admitted += len(found)
                exact += len(by_log(times))
            print(f"{name:26} {kind:8} {most / LIMIT:17.2f} {admitted / exact:18.3f}")


if __name__ == "__main__":
    main()
