"""Sends JSONTestSuite (github.com/nst/JSONTestSuite) to a stock view and to a guarded one.

    python -m tests.hostile.json_suite PATH/test_parsing

Of its files, `y_` must be read, `n_` must be refused, and `i_` is left to the parser.
"""

from __future__ import annotations

import os
import sys
from collections import Counter
from pathlib import Path

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.hostile.settings")

import django

django.setup()

import logging  # noqa: E402

from django.test import Client  # noqa: E402


def main() -> None:
    logging.disable(logging.CRITICAL)
    client = Client(raise_request_exception=False)
    counts: Counter[tuple[str, str, int]] = Counter()
    for file in sorted(Path(sys.argv[1]).glob("*.json")):
        for prefix in ("stock", "guarded"):
            response = client.post(f"/{prefix}/read/", file.read_bytes(), "application/json")
            status = response.status_code
            counts[prefix, file.name[0], status] += 1
            if prefix == "guarded" and status != {"y": 200, "n": 400}.get(file.name[0], status):
                print(f"{file.name}: {status} {response.content.decode()[:100]}")
    for (prefix, kind, status), count in sorted(counts.items()):
        print(f"{prefix:8} {kind}_ {status}: {count}")


if __name__ == "__main__":
    main()
