"""What the pages of grants in the admin cost at a million grants.

    DJANGO_SETTINGS_MODULE=benchmarks.admin_settings DATABASE_URL=... \
        python -m benchmarks.admin [results.json]

100,000 users, 1,000 clients, 500 scopes. For each page: the CPU time of this process, the time that
the database took, and the number of queries. It rolls back what the forms write.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

from django.contrib.auth import get_user_model
from django.core.management import call_command
from django.db import connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext
from oauth2_provider.models import Application

from benchmarks import crowd

GRANTS, CLIENTS, ROUNDS = 1_000_000, 1_000, 5
LIST = "/admin/api_guard/scopegrant/"
PAGES = {
    "list": LIST,
    "tenth page": f"{LIST}?p=10",
    **{
        state: f"{LIST}?state={state}"
        for state in ("live", "week", "month", "expired", "revoked", "inactive", "undeclared")
    },
    "never used": f"{LIST}?use=never",
    "unused": f"{LIST}?use=unused",
    "of clients": f"{LIST}?kind=client",
    "of groups, live": f"{LIST}?kind=group&state=live",
    "one scope": f"{LIST}?scope=bench:scope7",
    "search, whole name": f"{LIST}?q=crowd77777",
    "search, part of a name": f"{LIST}?q=rowd7777",
    "search, group": f"{LIST}?q=bench7",
    "search, scope": f"{LIST}?q=bench:scope7",
    "search, nothing": f"{LIST}?q=nobody-at-all",
    "form": f"{LIST}add/",
    "finding grantees": f"{LIST}grantees/?field_name=grantees&term=crowd7777",
}


def measure(act):
    """Return the least CPU and database time of some rounds, in seconds, and the queries."""
    best = {"cpu": 9e9, "database": 9e9, "queries": 0}
    for _ in range(ROUNDS):
        with CaptureQueriesContext(connection) as found:
            start = time.process_time()
            act()
            best["cpu"] = min(best["cpu"], time.process_time() - start)
        taken = sum(float(each["time"]) for each in found.captured_queries)
        best["database"] = min(best["database"], taken)
        best["queries"] = len(found)
    return best


def fill():
    call_command("migrate", verbosity=0, run_syncdb=True)
    there = Application.objects.count()
    Application.objects.bulk_create(
        Application(name=f"client {number}", client_id=f"client-{number}", hash_client_secret=False)
        for number in range(there, CLIENTS)
    )
    crowd.fill(GRANTS)


def main():
    fill()
    users = get_user_model()._default_manager
    root = users.filter(is_superuser=True).first() or users.create_superuser("root")
    client = Client()
    client.force_login(root)
    results = {}

    def get(url):
        response = client.get(url)
        assert response.status_code == 200, (url, response.status_code)

    for name, url in PAGES.items():
        results[name] = measure(lambda url=url: get(url))
    crowd_of = list(users.filter(username__startswith="crowd").order_by("-pk")[:20])
    form = {
        "grantees": [f"user:{user.pk}" for user in crowd_of],
        "scopes": crowd.SCOPES[400:450],
        "expiry": "week",
        "reason": "measured",
    }

    def give():
        with transaction.atomic():
            response = client.post(f"{LIST}add/", form)
            assert response.status_code == 302
            transaction.set_rollback(True)

    results["50 scopes to 20 grantees"] = measure(give)
    for name, asked, number in (("100", "", 100), ("100,000", "?scope=bench:scope0", 100_000)):
        chosen = {"action": "revoke", "_selected_action": ["1"], "select_across": "1"}
        if number == 100:
            shown = client.get(LIST).context_data["cl"].result_list
            chosen |= {"_selected_action": [row.pk for row in shown], "select_across": "0"}
        page = client.post(f"{LIST}{asked}", chosen)["Location"]
        results[f"confirming {name}"] = measure(lambda page=page: get(page))
        start, cpu = time.perf_counter(), time.process_time()
        with transaction.atomic():
            sent = client.post(page, {"reason": "measured", "seen": 10**9})
            assert sent.status_code == 302
            transaction.set_rollback(True)
        taken = {"cpu": time.process_time() - cpu, "wall": time.perf_counter() - start}
        results[f"revoking {name}"] = {**taken, "queries": None}
    for name, found in results.items():
        said = ", ".join(
            f"{what} {value * 1000:.0f} ms" for what, value in found.items() if what != "queries"
        )
        print(f"{name}: {said}, {found['queries']} queries")
    if len(sys.argv) > 1:
        Path(sys.argv[1]).write_text(json.dumps(results, indent=1))


if __name__ == "__main__":
    main()
