"""Many processes that grant and revoke at once, and one that is killed in the midst of it."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest
from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.management import call_command
from django.db import connection

from api_guard import grants, ledger
from api_guard.models import LedgerRecord, ScopeGrant

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(
        settings.DATABASES["default"]["NAME"] == ":memory:",
        reason="it is in the memory of this process",
    ),
]

ROOT = Path(__file__).parent.parent
# As many as are quick; docs/ledger.md has the figures of 200.
WRITES = int(os.environ.get("LEDGER_WRITES", "10"))
WRITERS = int(os.environ.get("LEDGER_WRITERS", "8"))


def writer(user, count, how):
    line = [sys.executable, "-m", "tests.ledger_writer"]
    database = connection.settings_dict["NAME"]
    return subprocess.Popen(
        [*line, database, user, str(count), how],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def write(count, how):
    """Let each writer write, and return the seconds that all of them took."""
    names = [f"user{number}" for number in range(count)]
    for name in names:
        get_user_model().objects.create_user(name)
    writers = [writer(name, WRITES, how) for name in names]
    assert [each.stdout.readline() for each in writers] == ["ready\n"] * count
    began = time.monotonic()
    for each in writers:
        each.stdin.write("go\n")
        each.stdin.flush()
    said = [each.communicate(timeout=1200)[1] for each in writers]
    assert [each.returncode for each in writers] == [0] * count, said
    return time.monotonic() - began


def assert_whole(count):
    """Whether everything was recorded once, chained, and as the grants say."""
    ledger.chain()
    tally = ledger.Tally()
    assert list(ledger.verify(tally)) == []
    assert (tally.chained, tally.unchained) == (2 * count, 0)
    assert list(grants.differences()) == []
    events = Counter(LedgerRecord.objects.values_list("event", flat=True))
    assert events == {"grant": count, "revoke": count}
    assert ScopeGrant.objects.count() == count
    assert ScopeGrant.objects.filter(live=None).count() == count


@pytest.mark.parametrize("how", ["each", "request", "one"])
def test_nothing_is_lost_or_doubled_by_writers_at_once(how, record_property):
    seconds = write(WRITERS, how)
    assert_whole(WRITERS * WRITES)
    changes = 2 * WRITERS * WRITES
    record_property("ledger", f"{changes} changes by {WRITERS} in {seconds:.1f} s")
    rate = changes / seconds
    print(f"{how}: {changes} changes by {WRITERS} writers in {seconds:.1f} s, {rate:.0f} a second")


def test_who_is_killed_between_a_change_and_its_record_leaves_neither(alice):
    killed = writer("alice", 1, "killed")
    killed.communicate("go\n", timeout=120)
    assert killed.returncode == -9
    assert not ScopeGrant.objects.exists()
    assert not LedgerRecord.objects.exists()
    call_command("guard_ledger", "verify")
