"""What it costs to read a body, beside DRF's own parser.

    python -m benchmarks.parsers

Both read the same bodies through `request.data`, in turns in one process; the lowest time of
several rounds is kept. `rows` are records of eight values, `notes` records of one longer text.
"""

from __future__ import annotations

import json
import random
import string
import time

from django.conf import settings
from rest_framework import parsers
from rest_framework.request import Request
from rest_framework.test import APIRequestFactory

from api_guard.parsers import JSONParser

ROUNDS = 15
WIDE = {"bytes": 10_000_000, "items": 1_000_000}


def text(length):
    return "".join(random.choices(string.ascii_letters + "    ,.", k=length))


def row(number):
    return {
        "id": number,
        "title": text(30),
        "price": round(random.random() * 1000, 2),
        "done": number % 2 == 0,
        "tags": ["a", "b", "tea"],
        "at": "2026-11-24T05:30:00Z",
        "body": text(60),
        "owner": None,
    }


def note(number):
    return {"id": number, "title": text(20), "body": text(400), "notebook": 4, "at": None}


def bodies():
    random.seed(1)
    single = {"title": "Tea at six", "body": text(80), "notebook": 5, "tags": ["a"], "price": 12.5}
    yield "one record", json.dumps(single).encode()
    for name, record in (("rows", row), ("notes", note)):
        for size in (20_000, 2_000_000):
            records, length = [], 0
            while length < size:
                records.append(record(len(records)))
                length += len(json.dumps(records[-1]))
            yield name, json.dumps({"records": records}).encode()


def read(parser, body):
    http = APIRequestFactory().post("/", body, content_type="application/json")
    started = time.perf_counter()
    data = Request(http, parsers=[parser]).data
    return time.perf_counter() - started, data


def main() -> None:
    settings.API_GUARD = {**settings.API_GUARD, "LIMITS": WIDE}
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = None
    for name, body in bodies():
        best = {parsers.JSONParser: float("inf"), JSONParser: float("inf")}
        assert read(JSONParser(), body)[1] == read(parsers.JSONParser(), body)[1]
        for _ in range(ROUNDS * max(1, min(100, 200_000 // len(body)))):
            for parser in best:
                best[parser] = min(best[parser], read(parser(), body)[0])
        stock, own = best.values()
        print(
            f"{name:10} {len(body):8} bytes  DRF {stock * 1e6:8.0f} µs  "
            f"api_guard {own * 1e6:8.0f} µs  {own / stock:.2f}"
        )


if __name__ == "__main__":
    main()
