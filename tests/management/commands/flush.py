"""Django's flush, many times as fast: each test with transactions of its own ends with one."""

from __future__ import annotations

from django.contrib.auth.models import Permission
from django.contrib.contenttypes.models import ContentType
from django.core.management.commands import flush
from django.db import connections, transaction

# `migrate` makes rows of these, and Django's flush makes them again.
MADE = (Permission, ContentType)
_made: dict[str, list[set[int]]] = {}


def remember(database):
    """Note what `migrate` has made."""
    _made[database] = [_keys(model, database) for model in MADE]


class Command(flush.Command):
    """Delete the rows of the tables that have any, except what `migrate` has made."""

    def handle(self, **options):
        database = options["database"]
        made = _made.get(database)
        are_there = made and all(
            keys <= _keys(model, database) for keys, model in zip(made, MADE, strict=True)
        )
        if options.get("reset_sequences", True) or not are_there:
            super().handle(**options)
            return
        connection = connections[database]
        last = {model._meta.db_table: max(keys) for keys, model in zip(made, MADE, strict=True)}
        with (
            connection.constraint_checks_disabled(),
            transaction.atomic(using=database),
            connection.cursor() as cursor,
        ):
            if connection.vendor == "postgresql" and _is_superuser(cursor):
                cursor.execute("SET LOCAL session_replication_role = replica")
            for table in _filled(connection, cursor):
                after = f" WHERE id > {last[table]}" if table in last else ""
                cursor.execute(f"DELETE FROM {connection.ops.quote_name(table)}{after}")
        ContentType.objects.clear_cache()


def _keys(model, database):
    return set(model.objects.using(database).values_list("pk", flat=True))


def _filled(connection, cursor):
    tables = connection.introspection.django_table_names(only_existing=True, include_views=False)
    quoted = ((table, connection.ops.quote_name(table)) for table in tables)
    asked = (f"SELECT '{table}' WHERE EXISTS (SELECT 1 FROM {name})" for table, name in quoted)
    if connection.vendor == "mysql":
        asked = (each.replace(" WHERE", " FROM DUAL WHERE") for each in asked)
    found = []
    for each in _parts(list(asked), 100):
        cursor.execute(" UNION ALL ".join(each))
        found += [table for (table,) in cursor.fetchall()]
    return found


def _parts(items, size):
    # SQLite joins at most 500 queries by UNION.
    return (items[at : at + size] for at in range(0, len(items), size))


def _is_superuser(cursor):
    cursor.execute("SHOW is_superuser")
    return cursor.fetchone() == ("on",)
