"""No query of a request, and none of the admin's lists, reads a whole table of api_guard's.

The tables are filled, and the database itself is asked how it would look for the rows.
"""

from __future__ import annotations

import json
import re
from contextlib import contextmanager
from datetime import timedelta

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group
from django.core.management import call_command
from django.db import connection
from django.db.models import QuerySet
from django.urls import path
from django.utils import timezone
from oauth2_provider.models import Application
from rest_framework.response import Response
from rest_framework.views import APIView

from api_guard import any_of, grants, guard, sliding
from api_guard.models import (
    BundlePin,
    GrantApproval,
    GrantRequest,
    LedgerDetail,
    LedgerRecord,
    RateOverride,
    RemoteSubject,
    ScopeGrant,
    ScopeUse,
    recorded,
)
from tests.urls import urlpatterns as admin_urls

pytestmark = [pytest.mark.urls(__name__), pytest.mark.django_db]

USERS, GROUPS, SCOPES = 1000, 64, 40
NAMES = [f"s:{n}" for n in range(SCOPES)]


class Answer(APIView):
    def get(self, request):
        return Response("answer")


REQUIREMENTS = {
    "one": "notes:read",
    "both": ("notes:read", "notes:write"),
    "either": any_of("notes:read", "notes:write", "notes:publish"),
}
urlpatterns = [
    *admin_urls,
    *(
        path(name, guard(read=requirement)(Answer).as_view())
        for name, requirement in REQUIREMENTS.items()
    ),
    path("rates", guard(read="notes:read", throttle=("9/s", sliding("99/d")))(Answer).as_view()),
    path(
        "all",
        guard(read="notes:read")(
            type(
                "All",
                (Answer,),
                {
                    "get": lambda self, request: Response(
                        sorted(self.request._request._api_guard_caller[2].caller.scopes)
                    )
                },
            )
        ).as_view(),
    ),
]


@pytest.fixture(scope="module")
def filled(django_db_setup, django_db_blocker):
    """Fill the tables once, with what many hold.

    Outside of a transaction: MySQL and MariaDB end one with ANALYZE.
    """
    with django_db_blocker.unblock():
        try:
            fill()
            yield
        finally:
            call_command("flush", verbosity=0, interactive=False, reset_sequences=False)


@pytest.fixture
def crowd(filled, alice, application, settings):
    """A caller who is in many groups, among many others."""
    settings.API_GUARD = {
        **settings.API_GUARD,
        "SCOPES": {**settings.API_GUARD["SCOPES"], **dict.fromkeys(NAMES, "one")},
        "EVERYONE_GROUP": "group 0",
    }
    alice.groups.set(Group.objects.filter(name__startswith="group ").order_by("pk")[:GROUPS])
    give_all([{"user": alice}, {"client": application}])
    return alice


def give_all(grantees):
    """Give to groups and clients all scopes, and some to users: live, expired and revoked ones."""
    now = timezone.now()
    ends = [None, now + timedelta(days=9), now - timedelta(days=9)]
    ended = [None, None, now - timedelta(days=1)]
    some = ["notes:read", "notes:write", *NAMES[:10]]
    with recorded():
        ScopeGrant.objects.bulk_create(
            [
                ScopeGrant(
                    scope=scope,
                    granted_at=now - timedelta(minutes=at),
                    expires_at=ends[at % 7 % 3],
                    revoked_at=ended[at % 5 % 3],
                    **grantee,
                )
                for at, grantee in enumerate(grantees)
                for scope in (NAMES if "user" not in grantee else some)
            ],
            batch_size=2000,
        )


def fill():
    users = get_user_model().objects.bulk_create(
        [get_user_model()(username=f"user{n}") for n in range(USERS)]
    )
    groups = Group.objects.bulk_create([Group(name=f"group {n}") for n in range(GROUPS * 2)])
    clients = [
        Application.objects.create(name=f"client {n}", client_type="public") for n in range(40)
    ]
    through = get_user_model().groups.through
    through.objects.bulk_create(
        [through(user=user, group=groups[n % len(groups)]) for n, user in enumerate(users)]
    )
    now = timezone.now()
    give_all(
        [
            *({"user": user} for user in users),
            *({"group": group} for group in groups),
            *({"client": client} for client in clients),
        ]
    )
    ScopeUse.objects.bulk_create(
        [
            ScopeUse(grant_id=pk, last_used_at=now)
            for pk in ScopeGrant.objects.values_list("pk", flat=True)
        ],
        batch_size=2000,
    )
    with recorded():
        RateOverride.objects.bulk_create(
            [
                RateOverride(name=f"budget:b{(at + n) % 200}/h", limit=9, user=user)
                for at, user in enumerate(users)
                for n in range(5)
            ],
            batch_size=2000,
        )
        RemoteSubject.objects.bulk_create(
            [RemoteSubject(issuer="https://a", subject=f"{n}", user=u) for n, u in enumerate(users)]
        )
    with recorded():
        GrantRequest.objects.bulk_create(
            [
                GrantRequest(
                    scope=f"s:{at // len(users)}",
                    user=user,
                    outcome=("", "granted", *["declined"] * 18)[at % 20],
                    asked_at=now,
                )
                for at, user in enumerate(users * 10)
            ],
            batch_size=2000,
        )
        GrantApproval.objects.bulk_create(
            [
                GrantApproval(request_id=pk, by=users[n])
                for pk in GrantRequest.objects.values_list("pk", flat=True)
                for n in range(5)
            ],
            batch_size=2000,
        )
    events = ["grant", "revoke", "extend", "request"]
    QuerySet(LedgerRecord).bulk_create(
        LedgerRecord(
            id=f"{at:064x}",
            at=now.isoformat(),
            event=events[at % 4],
            key_id="none",
            content="{}",
            mac="",
            sequence=at + 1,
            previous=f"{at:064x}",
            digest=f"{at + 1:064x}",
        )
        for at in range(10 * USERS)
    )
    QuerySet(LedgerDetail).bulk_create(
        LedgerDetail(record=f"{at:064x}", part=part, key=f"user:{users[at % USERS].pk}")
        for at in range(10 * USERS)
        for part in ("who", "whom", "reason", "address")
    )
    ours = (ScopeGrant, ScopeUse, RateOverride, RemoteSubject, GrantRequest, GrantApproval)
    with recorded():
        # More than anybody has: a small table would be read whole.
        BundlePin.objects.bulk_create(
            BundlePin(bundle=f"@{n}", scopes="notes:read") for n in range(5000)
        )
    analyze(*ours, BundlePin, LedgerRecord, LedgerDetail, get_user_model(), Group)


def analyze(*models):
    """Let the database count the rows."""
    with connection.cursor() as cursor:
        for table in (model._meta.db_table for model in models):
            cursor.execute(f"ANALYZE {'TABLE ' * (connection.vendor == 'mysql')}{table}")
            if connection.vendor == "mysql":
                cursor.fetchall()


@contextmanager
def explained():
    """Collect how the database runs each statement that names a table of api_guard's."""
    plans, is_asking = [], []

    def explain(execute, sql, params, many, context):
        if "api_guard_" in sql and sql.lstrip(" (").startswith("SELECT") and not is_asking:
            is_asking.append(True)
            with connection.cursor() as cursor:
                cursor.execute(EXPLAIN[connection.vendor] + sql, params)
                plans.append((sql, cursor.fetchall()))
            is_asking.clear()
        return execute(sql, params, many, context)

    with connection.execute_wrapper(explain):
        yield plans


EXPLAIN = {
    "sqlite": "EXPLAIN QUERY PLAN ",
    "postgresql": "EXPLAIN (FORMAT JSON) ",
    "mysql": "EXPLAIN ",
}


def whole_tables(sql, plan):
    """Return the steps of a plan that read a whole table of api_guard's.

    To follow an index in its order is to read no more than the LIMIT asks for.
    """
    if connection.vendor == "sqlite":
        return list(_of_sqlite(sql, plan))
    return list(_of_mysql(sql, plan) if connection.vendor == "mysql" else _of_postgresql(plan))


def _of_sqlite(sql, plan):
    steps = [row[3] for row in plan]
    is_sorted = any("TEMP B-TREE FOR ORDER BY" in step for step in steps)
    for step in steps:
        follows = "USING" in step and " LIMIT " in sql and not is_sorted
        # The primary key is the table itself.
        follows = follows or (
            not is_sorted and re.search(r'BY \S+"id" DESC LIMIT', sql) is not None
        )
        if re.match(r"SCAN \"?api_guard_", step) and not follows:
            yield step


def _of_mysql(sql, plan):
    for row in plan:
        table, kind, extra = str(row[2]), row[3], str(row[9])
        follows = kind == "index" and " LIMIT " in sql and "filesort" not in extra
        if table.startswith("api_guard_") and kind in ("ALL", "index") and not follows:
            yield row


def _of_postgresql(plan):
    found = plan[0][0]
    root = json.loads(found) if isinstance(found, str) else found

    def walk(node, is_limited):
        kind = node["Node Type"]
        # What sorts, hashes or joins by merging takes all that is below it.
        takes_all = kind in ("Sort", "Hash", "Aggregate", "Merge Join", "Materialize")
        is_limited = kind == "Limit" or (is_limited and not takes_all)
        if node.get("Relation Name", "").startswith("api_guard_"):
            is_whole = kind.startswith("Index") and "Index Cond" not in node
            if kind.endswith("Seq Scan") or (is_whole and not is_limited):
                yield node
        for child in node.get("Plans", ()):
            yield from walk(child, is_limited)

    yield from walk(root[0]["Plan"], False)


def assert_by_index(plans, *, least=1):
    assert len(plans) >= least
    for sql, plan in plans:
        assert whole_tables(sql, plan) == [], sql


def test_a_request_finds_grants_and_overrides_by_their_indexes(api, crowd, application, issue):
    carried = ("notes:read", "notes:write", "notes:publish", *(f"s:{n}" for n in range(9)))
    with recorded():
        ScopeGrant.objects.filter(user=crowd).delete()
    with recorded():
        ScopeGrant.objects.filter(client=application).delete()
    for grantee in ({"user": crowd}, {"client": application}):
        for scope in ("notes:read", "notes:write", "s:1"):
            with recorded():
                ScopeGrant.objects.create(scope=scope, **grantee)
    tokens = [issue(" ".join(carried), user=user) for user in (crowd, None)]
    for url in (*REQUIREMENTS, "rates", "all"):
        for token in tokens:
            with explained() as plans:
                assert api.by_token(token).get(f"/{url}").status_code == 200
            assert_by_index(plans)
        api.credentials()
        with explained() as plans:
            assert api.by_session(crowd).get(f"/{url}").status_code == 200
        assert_by_index(plans)
        api.logout()


def test_a_request_finds_bundles_by_their_indexes(api, crowd, application, issue, settings):
    said = {"description": "Everything", "scopes": ["notes:read", "notes:write", "s:1", "s:2"]}
    settings.API_GUARD = {**settings.API_GUARD, "BUNDLES": {"editor": said}}
    grants.pin("@editor", by=grants.System("a test"))
    with recorded():
        ScopeGrant.objects.filter(client=application).delete()
    with recorded():
        ScopeGrant.objects.filter(user=crowd).delete()
    for grantee in (crowd, application):
        grants.grant("@editor", grantee, by=grants.System("a test"))
    token = issue("notes:read notes:write s:1", user=crowd)
    for url in ("one", "all"):
        for prepare in (lambda: api.by_token(token), lambda: api.by_session(crowd)):
            with explained() as plans:
                assert prepare().get(f"/{url}").status_code == 200
            assert any("bundlepin" in sql for sql, _ in plans)
            assert_by_index(plans)
            api.credentials()
            api.logout()


GRANTS = "/admin/api_guard/scopegrant/"
OVERRIDES = "/admin/api_guard/rateoverride/"
SUBJECTS = "/admin/api_guard/remotesubject/"
REQUESTS = "/admin/api_guard/grantrequest/"
LEDGER = "/admin/api_guard/ledgerrecord/"


LISTS = [
    GRANTS,
    f"{GRANTS}?p=3",
    f"{GRANTS}?state=live",
    f"{GRANTS}?state=expired",
    f"{GRANTS}?state=revoked",
    f"{GRANTS}?state=week",
    f"{GRANTS}?state=month",
    f"{GRANTS}?state=inactive",
    f"{GRANTS}?use=never",
    f"{GRANTS}?use=unused",
    f"{GRANTS}?kind=group",
    f"{GRANTS}?kind=client&state=live",
    f"{GRANTS}?scope=s:3",
    f"{GRANTS}?scope=s:3&state=live",
    f"{GRANTS}?q=user7",
    f"{GRANTS}?q=s:7",
    f"{GRANTS}?q=user7 s:7",
    f"{GRANTS}?q='group 7'",
    f"{GRANTS}?q='client 7'",
    f"{GRANTS}?q=nobody",
    f"{GRANTS}?q=er777",
    f"{GRANTS}?o=1",
    f"{GRANTS}?o=-6.5",
    f"{GRANTS}?_facets=True",
    OVERRIDES,
    f"{OVERRIDES}?q=user7",
    f"{OVERRIDES}?q=budget:b2/h",
    f"{OVERRIDES}?o=2",
    SUBJECTS,
    f"{SUBJECTS}?q=77",
    f"{SUBJECTS}?issuer=https://a",
    f"{SUBJECTS}?o=1",
    REQUESTS,
    f"{REQUESTS}?outcome__exact=granted",
    f"{REQUESTS}?outcome__exact=",
    f"{REQUESTS}?q=user7",
    LEDGER,
    f"{LEDGER}?p=3",
    f"{LEDGER}?event=revoke",
    f"{LEDGER}?q=user7",
    f"{LEDGER}?q=77",
    f"{LEDGER}?o=1",
]


def test_a_list_of_the_admin_follows_an_index(client, crowd, admin_user):
    client.force_login(admin_user)
    for url in LISTS:
        with explained() as plans:
            response = client.get(url)
        assert response.status_code == 200
        assert_by_index(plans)


def test_grants_of_undeclared_scopes_are_found_by_an_index(client, crowd, admin_user, settings):
    declared = settings.API_GUARD["SCOPES"]
    kept = {name: said for name, said in declared.items() if name != "s:3"}
    settings.API_GUARD = {**settings.API_GUARD, "SCOPES": kept}
    client.force_login(admin_user)
    with explained() as plans:
        shown = client.get(f"{GRANTS}?state=undeclared").context["cl"].result_list
    assert {row.scope for row in shown} == {"s:3"}
    assert_by_index(plans)


def test_what_reads_a_whole_table_is_seen(crowd):
    for rows in (
        ScopeGrant.objects.filter(reason="none").order_by(),
        ScopeGrant.objects.order_by("reason")[:9],
        ScopeGrant.objects.filter(scope__contains="s:").order_by("pk"),
        RateOverride.objects.filter(reason="x").order_by(),
    ):
        with explained() as plans:
            list(rows)
        [(sql, plan)] = plans
        assert whole_tables(sql, plan), sql
