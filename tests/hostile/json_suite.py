"""Sends JSONTestSuite (github.com/nst/JSONTestSuite) to a stock view and to a guarded one.

    python -m tests.hostile.json_suite PATH/test_parsing                  # in this process
    python -m tests.hostile.json_suite PATH/test_parsing 8071 8072        # stock and guarded, live

Of its files, `y_` must be read, `n_` must be refused, and `i_` is left to the parser. The guarded
view answers five files otherwise on purpose: two have a repeated key, two a null character, and an
empty body is not JSON. The last line counts other wrong answers, and names the slowest one.
"""

from __future__ import annotations

import os
import sys
import time
from collections import Counter
from http.client import HTTPConnection
from pathlib import Path

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.hostile.settings")

import django

django.setup()

import logging  # noqa: E402

from django.test import Client  # noqa: E402

JSON = "application/json"
ON_PURPOSE = {
    "n_structure_no_data.json": 200,
    "y_object_duplicated_key.json": 400,
    "y_object_duplicated_key_and_value.json": 400,
    "y_object_escaped_null_in_key.json": 400,
    "y_string_null_escape.json": 400,
}


def in_process(path: str, body: bytes) -> tuple[int, str]:
    response = Client(raise_request_exception=False).post(path, body, JSON)
    return response.status_code, response.content.decode()


def live(path: str, body: bytes, port: int) -> tuple[int, str]:
    connection = HTTPConnection("127.0.0.1", port, timeout=60)
    try:
        connection.request("POST", path, body, {"Content-Type": JSON})
        response = connection.getresponse()
        return response.status, response.read().decode()
    finally:
        connection.close()


def main() -> None:
    logging.disable(logging.CRITICAL)
    ports = [int(argument) for argument in sys.argv[2:]]
    counts: Counter[tuple[str, str, int]] = Counter()
    bad, slowest = 0, 0.0
    for file in sorted(Path(sys.argv[1]).glob("*.json")):
        for index, prefix in enumerate(("stock", "guarded")):
            path, body, kind = f"/{prefix}/read/", file.read_bytes(), file.name[0]
            started = time.perf_counter()
            status, text = live(path, body, ports[index]) if ports else in_process(path, body)
            counts[prefix, kind, status] += 1
            if prefix == "guarded":
                slowest = max(slowest, time.perf_counter() - started)
                wanted = ON_PURPOSE.get(file.name, {"y": 200, "n": 400}.get(kind, status))
                is_good = status == wanted < 500
                bad += not is_good
                print("" if is_good else f"{file.name}: {status} {text[:100]}\n", end="")
    for (prefix, kind, status), count in sorted(counts.items()):
        print(f"{prefix:8} {kind}_ {status}: {count}")
    print(f"{bad} bad, the slowest took {slowest * 1e3:.0f} ms")


if __name__ == "__main__":
    main()
