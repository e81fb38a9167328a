"""Grants and revokes in a process of its own: `python -m tests.ledger_writer DATABASE USER N HOW`.

HOW is `each`, a transaction of api_guard's own for each change; `request`, each change in a
transaction of the caller, as with ATOMIC_REQUESTS; `one`, all of them in one; or `killed`, by
SIGKILL between a change and its record.
"""

from __future__ import annotations

import os
import signal
import sys
from contextlib import nullcontext
from unittest.mock import patch

import django
from django.conf import settings

_DEADLOCK = 1213
_MOST_TRIES = 10


def main(database, user, writes, how):
    settings.DATABASES["default"]["NAME"] = database
    django.setup()
    from django.contrib.auth import get_user_model
    from django.db import OperationalError, transaction

    from api_guard import grants

    grantee = get_user_model().objects.get(username=user)
    by = grants.System(f"the writer for {user}")

    def die(*args, **kwargs):
        os.kill(os.getpid(), signal.SIGKILL)

    killed = patch("api_guard.grants.who.record", die) if how == "killed" else nullcontext()
    # All begin at once: what takes long is the start of a process.
    print("ready", flush=True)
    input()

    def give():
        return grants.grant("notes:read", grantee, by=by)

    def take(row):
        grants.revoke(row, by=by, reason="it was enough")

    def all_of_them():
        for _ in range(int(writes)):
            take(give())

    def in_ours(change, *args):
        """Repeat our own transaction after a deadlock, as docs/ledger.md asks of its caller."""
        tries = 1
        while True:
            try:
                with transaction.atomic():
                    return change(*args)
            except OperationalError as error:
                if error.args[0] != _DEADLOCK or tries == _MOST_TRIES:
                    raise
                tries += 1

    with killed:
        if how == "one":
            in_ours(all_of_them)
        elif how == "request":
            for _ in range(int(writes)):
                in_ours(take, in_ours(give))
        else:
            all_of_them()


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")
    main(*sys.argv[1:])
