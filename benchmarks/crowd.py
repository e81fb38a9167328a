"""Fills the tables as they are after years: a million grants, and callers who hold many."""

from __future__ import annotations

from itertools import islice

from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group
from django.db import connection
from django.utils import timezone
from oauth2_provider.models import Application

from api_guard.models import ScopeGrant, recorded

MOST_SCOPES = 500
SCOPES = [f"bench:scope{number}" for number in range(MOST_SCOPES)]
_TABLES = {"user": get_user_model(), "group": Group, "client": Application}


def fill(grants, *, users=100_000, groups=200):
    """Have this many grants of others: most of users, a tenth of groups."""
    _make_users(users)
    Group.objects.bulk_create(
        [Group(name=f"bench{number}") for number in range(groups)], ignore_conflicts=True
    )
    missing = grants - ScopeGrant.objects.count()
    for kind, scopes in (("group", SCOPES), ("user", SCOPES)):
        share = missing // 10 if kind == "group" else grants - ScopeGrant.objects.count()
        for scope in scopes:
            if share <= 0:
                break
            share -= _grant_to_all(kind, scope, share)
    _analyze()


def enrich(user, client, *, groups=64, scopes=MOST_SCOPES):
    """Have one caller be in many groups, and hold many scopes on both of its sides."""
    user.groups.set(Group.objects.filter(name__startswith="bench").order_by("pk")[:groups])
    for kind, grantee in (("user", user), ("client", client)):
        with recorded():
            ScopeGrant.objects.bulk_create(
                [ScopeGrant(scope=scope, **{kind: grantee}) for scope in SCOPES[:scopes]],
                ignore_conflicts=True,
            )
    _analyze()


def empty():
    """Take all of it away."""
    with connection.cursor() as cursor:
        cursor.execute(f"DELETE FROM {ScopeGrant._meta.db_table} WHERE scope LIKE 'bench:%%'", [])
    for group in Group.objects.filter(name__startswith="bench"):
        group.user_set.clear()
    _analyze()


def _make_users(number):
    users = get_user_model()._default_manager
    there = users.filter(username__startswith="crowd").count()
    new = (users.model(username=f"crowd{each}", password="!") for each in range(there, number))
    while batch := list(islice(new, 5000)):
        users.bulk_create(batch)


def _grant_to_all(kind, scope, most):
    """Grant one scope to all grantees of a kind, at most `most` of them, in one statement."""
    model = _TABLES[kind]
    name, prefix = ("name", "bench") if kind == "group" else ("username", "crowd")
    columns = f"scope, {kind}_id, granted_at, reason, revoked_reason"
    sql = (
        f"INSERT INTO {ScopeGrant._meta.db_table} ({columns}) "
        f"SELECT %s, id, %s, '', '' FROM {model._meta.db_table} WHERE {name} LIKE %s "
        f"AND NOT EXISTS (SELECT 1 FROM {ScopeGrant._meta.db_table} g WHERE "
        f"g.{kind}_id = {model._meta.db_table}.id AND g.live = 1 AND g.scope = %s) "
        f"ORDER BY id LIMIT {int(most)}"
    )
    with connection.cursor() as cursor:
        moment = connection.ops.adapt_datetimefield_value(timezone.now())
        cursor.execute(sql, [scope, moment, f"{prefix}%", scope])
        return max(cursor.rowcount, 0)


def _analyze():
    tables = [ScopeGrant._meta.db_table, *(model._meta.db_table for model in _TABLES.values())]
    tables.append(get_user_model().groups.through._meta.db_table)
    with connection.cursor() as cursor:
        if connection.vendor == "mysql":
            cursor.execute(f"ANALYZE TABLE {', '.join(tables)}")
            cursor.fetchall()
        else:
            for table in tables:
                cursor.execute(f"ANALYZE {table}")
