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


def main(database, user, count, how):
    settings.DATABASES["default"]["NAME"] = database
    django.setup()
    from django.contrib.auth import get_user_model
    from django.db import transaction

    from api_guard import grants

    grantee = get_user_model().objects.get(username=user)
    by = grants.System(f"the writer for {user}")

    def die(*args, **kwargs):
        os.kill(os.getpid(), signal.SIGKILL)

    killed = patch("api_guard.grants.who.record", die) if how == "killed" else nullcontext()
    # All begin at once: what takes long is the start of a process.
    print("ready", flush=True)
    input()
    request = transaction.atomic if how == "request" else nullcontext
    with transaction.atomic() if how == "one" else nullcontext(), killed:
        for _ in range(int(count)):
            with request():
                row = grants.grant("notes:read", grantee, by=by)
            with request():
                grants.revoke(row, by=by, reason="it was enough")


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")
    main(*sys.argv[1:])
