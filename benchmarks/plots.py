"""Draws how the cost of a request grows with the grants, and prints it as the table of the docs.

    python -m benchmarks.plots results.json [results.json ...] [docs/growth.svg]

The files are those that benchmarks.growth has written, one for each database.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from benchmarks.growth import MEASURED, RICH
from benchmarks.rounds import Spread, ratios

PEERS, GUARD = MEASURED


def relative(size, name):
    """Return the ratio to the peers, round by round."""
    return Spread.of(ratios(size["microseconds"], name, PEERS))


def table(results):
    yield "| database | grants | two grants | 64 groups, 500 scopes |"
    yield "|---|--:|--:|--:|"
    for found in results:
        for size in found["sizes"]:
            poor, rich = (relative(size, name) for name in (GUARD, RICH))
            yield (
                f"| {found['database']} | {size['grants']:,} "
                f"| {poor.median:.2f} ({poor.low:.2f} to {poor.high:.2f}) "
                f"| {rich.median:.2f} ({rich.low:.2f} to {rich.high:.2f}) |"
            )


def draw(results, path):
    import matplotlib as mpl

    mpl.use("svg")
    from matplotlib import pyplot

    mpl.rcParams["svg.hashsalt"] = "api_guard"
    figure, each = pyplot.subplots(1, len(results), sharey=True, figsize=(4 * len(results), 3.2))
    for axes, found in zip(each if len(results) > 1 else [each], results, strict=True):
        grants = [size["grants"] for size in found["sizes"]]
        for name, label in ((GUARD, "two grants"), (RICH, "64 groups, 500 scopes")):
            spread = [relative(size, name) for size in found["sizes"]]
            [line] = axes.plot(grants, [one.median for one in spread], marker="o", label=label)
            low, high = [one.low for one in spread], [one.high for one in spread]
            axes.fill_between(grants, low, high, alpha=0.2, color=line.get_color())
        axes.set(xscale="log", title=found["database"], xlabel="grants in the table", ylim=(0, 1.1))
        axes.axhline(1, color="gray", linewidth=1)
    figure.axes[0].set_ylabel("time, of the peers'")
    figure.axes[0].legend()
    figure.tight_layout()
    figure.savefig(path, metadata={"Date": None})


def main():
    given = [Path(name) for name in sys.argv[1:]]
    results = [json.loads(path.read_text()) for path in given if path.suffix == ".json"]
    print("\n".join(table(results)))
    for path in given:
        if path.suffix == ".svg":
            draw(results, path)


if __name__ == "__main__":
    main()
