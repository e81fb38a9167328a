"""What the pages of the admin cost with 1,000,000 grants, 100,000 users and 1,000 clients.

    DATABASE_URL=... DJANGO_SETTINGS_MODULE=benchmarks.pages_settings python -m benchmarks.pages

The database is filled and stays so. Printed is the median of five requests by a superuser: queries,
milliseconds of CPU in Python, milliseconds in the database.
"""

from __future__ import annotations

from datetime import timedelta
from statistics import median
from time import process_time

from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group
from django.core.management import call_command
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from oauth2_provider.models import Application

from api_guard.grants import System
from api_guard.models import AccessReview, GrantRequest, recorded
from api_guard.reviews import open_review
from benchmarks import crowd

MODELS = "django.contrib.auth.backends.ModelBackend"
GRANTS, CLIENTS, REQUESTS, ROUNDS = 1_000_000, 1_000, 10_000, 5


def pages():
    """Return the pages by name. The user is in 64 groups."""
    user = get_user_model().objects.get(username="crowd777")
    client = Application.objects.filter(name="bench7").get()
    user.groups.set(Group.objects.filter(name__startswith="bench").order_by("pk")[:64])
    group = user.groups.first()
    app = "/admin/api_guard"
    return {
        "overview": f"{app}/",
        "access: search": f"{app}/access/?q=crowd77",
        "access of a user": f"{app}/access/user/{user.pk}/",
        "access of a user with a client": f"{app}/access/user/{user.pk}/?with={client.pk}",
        "access of a group": f"{app}/access/group/{group.pk}/",
        "access of a client": f"{app}/access/client/{client.pk}/",
        "offboard": f"{app}/access/user/{user.pk}/offboard/",
        "scopes": f"{app}/scope/",
        "scope: users": f"{app}/scope/bench_3Ascope7/",
        "scope: users, searched": f"{app}/scope/bench_3Ascope7/?q=crowd9",
        "scope: groups": f"{app}/scope/bench_3Ascope7/?held=group",
        "scope: clients": f"{app}/scope/bench_3Ascope7/?held=client",
        "matrix: users": f"{app}/matrix/?group=Group+3",
        "matrix: users, searched": f"{app}/matrix/?group=Group+3&q=crowd77",
        "matrix: clients": f"{app}/matrix/?group=Group+3&kind=client",
        "clients": f"{app}/client/",
        "a client": f"{app}/client/{client.pk}/",
        "grants": f"{app}/scopegrant/",
        "grants, unused": f"{app}/scopegrant/?use=unused",
        "requests": f"{app}/grantrequest/",
        "a request": f"{app}/grantrequest/{GrantRequest.objects.latest('pk').pk}/change/",
        "reviews": f"{app}/accessreview/",
        "a review": f"{app}/accessreview/{AccessReview.objects.latest('pk').pk}/change/",
        "a review, unused": (
            f"{app}/accessreview/{AccessReview.objects.latest('pk').pk}/change/?find=unused"
        ),
        "ledger": f"{app}/ledgerrecord/",
        "blocks": f"{app}/block/",
        "rate overrides": f"{app}/rateoverride/",
        "endpoints": f"{app}/endpoint/",
        "endpoints, searched": f"{app}/endpoint/?q=scope77",
        "explain": f"{app}/explanation/",
    }


def ask_and_review(user):
    """Make many requests, and a review of all grants of a scope to users."""
    there, soon = GrantRequest.objects.count(), timezone.now() + timedelta(days=30)
    users = get_user_model().objects.filter(username__startswith="crowd").order_by("pk")
    with recorded():
        GrantRequest.objects.bulk_create(
            GrantRequest(scope="bench:scope7", user=each, asked_by=each, expires_at=soon)
            for each in users[there:REQUESTS]
        )
    if not AccessReview.objects.exists():
        open_review(
            "The year's",
            by=System("the benchmark"),
            reviewer=user,
            due_at=soon,
            scope="bench:scope7",
            grantee_kind="user",
        )


def fill():
    call_command("migrate", verbosity=0, run_syncdb=True)
    kind, flow = Application.CLIENT_CONFIDENTIAL, Application.GRANT_CLIENT_CREDENTIALS
    Application.objects.bulk_create(
        Application(
            name=f"bench{number}",
            client_id=f"bench-{number}",
            client_type=kind,
            authorization_grant_type=flow,
        )
        for number in range(Application.objects.count(), CLIENTS)
    )
    crowd.fill(GRANTS)
    crowd.enrich(
        get_user_model().objects.get(username="crowd777"), Application.objects.get(name="bench7")
    )


def measure(client, url):
    taken = []
    for _ in range(ROUNDS):
        with CaptureQueriesContext(connection) as asked:
            start = process_time()
            answer = client.get(url)
            cpu = process_time() - start
        assert answer.status_code == 200, url
        in_database = sum(float(query["time"]) for query in asked.captured_queries)
        taken.append((len(asked), cpu * 1000, in_database * 1000))
    return [median(each) for each in zip(*taken, strict=True)]


def main():
    fill()
    root, _ = get_user_model().objects.get_or_create(
        username="root", is_superuser=True, is_staff=True
    )
    ask_and_review(root)
    client = Client()
    client.force_login(root, MODELS)
    for name, url in pages().items():
        queries, cpu, in_database = measure(client, url)
        print(f"{name:32} {queries:3.0f} queries {cpu:6.0f} ms CPU {in_database:6.0f} ms database")


if __name__ == "__main__":
    main()
