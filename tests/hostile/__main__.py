"""Sends the crash list to a stock view of DRF and to a guarded one, side by side.

    python -m tests.hostile                                  # in this process
    python -m tests.hostile 8071 8072 [--asgi]               # stock and guarded, on these ports

Prints a table of Markdown: each request, and what either answered after how long. In this process
the tables are made first; live servers serve `tests.hostile.servers`, on tables that
`python -m tests.hostile --migrate` made.
"""

from __future__ import annotations

import contextlib
import os
import socket
import sys
import time

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.hostile.settings")

import django

django.setup()

import logging  # noqa: E402

from django.core.management import call_command  # noqa: E402
from django.core.management.color import no_style  # noqa: E402
from django.db import connection  # noqa: E402
from django.test import Client  # noqa: E402

from tests.hostile.crashes import CRASHES, Crash  # noqa: E402
from tests.hostile.models import Thing  # noqa: E402

PATIENCE = 60


def in_process(crash: Crash, prefix: str) -> tuple[int | str, float]:
    client = Client(raise_request_exception=False)
    started = time.perf_counter()
    try:
        response = client.generic(
            crash.verb,
            f"/{prefix}/{crash.path}",
            crash.body or b"",
            content_type=crash.content_type if crash.body is not None else "",
            headers=crash.headers,
        )
        answer = response.status_code
    except Exception as error:  # noqa: BLE001  # before any middleware, so that Django answers nothing
        answer = type(error).__name__
    return answer, time.perf_counter() - started


def live(crash: Crash, prefix: str, port: int) -> tuple[int | str, float]:
    fields = {"Host": "127.0.0.1", "Connection": "close"}
    if crash.body is not None:
        fields["Content-Type"] = crash.content_type
        if "Transfer-Encoding" not in crash.headers:
            fields["Content-Length"] = str(len(crash.body))
    fields |= crash.headers
    head = f"{crash.verb} /{prefix}/{crash.path} HTTP/1.1\r\n"
    head += "".join(f"{name}: {value}\r\n" for name, value in fields.items()) + "\r\n"
    started = time.perf_counter()
    answer: int | str
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=PATIENCE) as connected:
            with contextlib.suppress(OSError):  # refused before it was read
                connected.sendall(head.encode() + (crash.body or b""))
            received = b""
            while chunk := connected.recv(65536):
                received += chunk
                if b"\r\n" in received:
                    break
        answer = int(received.split(b" ", 2)[1]) if received else "nothing"
    except TimeoutError:
        answer = "hangs"
    except OSError as error:
        answer = type(error).__name__
    return answer, time.perf_counter() - started


def said(answer: int | str, seconds: float) -> str:
    return f"{answer}, {seconds:.1f} s" if seconds >= 0.95 else f"{answer}, {seconds * 1e3:.0f} ms"


def main() -> None:
    logging.disable(logging.CRITICAL)
    call_command("migrate", verbosity=0, run_syncdb=True)
    if "--migrate" in sys.argv:
        return
    ports = [int(argument) for argument in sys.argv[1:] if argument.isdigit()]
    print(f"\n{connection.vendor}, {ports or 'in process'}\n")
    print("| request | stock | guarded |\n|---|---|---|")
    bad = 0
    Thing.objects.all().delete()
    Thing.objects.create(pk=1, title="tea", slug="tea")
    with connection.cursor() as cursor:
        for statement in connection.ops.sequence_reset_sql(no_style(), [Thing]):
            cursor.execute(statement)
    for crash in CRASHES:
        if crash.only_in_process if ports else crash.only_live:
            continue
        row = []
        for index, prefix in enumerate(("stock", "guarded")):
            if prefix == "stock" and "--guarded" in sys.argv:
                row.append("")
                continue
            answer, seconds = (
                live(crash, prefix, ports[index]) if ports else in_process(crash, prefix)
            )
            stored = Thing.objects.count() - 1
            row.append(said(answer, seconds) + (", stored" if stored else ""))
            if prefix == "guarded":
                fits = connection.vendor in crash.fits.split()
                is_good = seconds < 1 and (fits or (answer in crash.answers and not stored))
                bad += not is_good
                row[-1] += "" if is_good else " **bad**"
            Thing.objects.exclude(pk=1).delete()
        print(f"| {crash.name} | {' | '.join(row)} |", flush=True)
    print(f"\n{len(CRASHES)} requests, {bad} bad")


if __name__ == "__main__":
    main()
