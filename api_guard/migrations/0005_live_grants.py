"""Allow one unrevoked grant of a scope for each grantee, also in MySQL and MariaDB.

Both databases ignored the unique constraint with a condition that this migration replaces. Their
DDL is not atomic: if the migration fails half way, run it again. It skips steps that are done.
"""

from datetime import datetime, timezone as zones

from django.db import IntegrityError, migrations, models
from django.db.models import Count, Exists, F, OuterRef
from django.utils import timezone

from api_guard import conf

GRANTEES = ('user', 'group', 'client')
ALREADY = {
    'violation_error_code': 'already_granted',
    'violation_error_message': 'This grantee already has a grant of this scope.',
}
DUPLICATE = 'closed as a duplicate'
LEFT = 'closed: it was left by a revoke'
# A site that keeps running may grant between two steps.
MOST_TRIES = 10


def old_name(grantee):
    return f'api_guard_one_grant_per_{grantee}'


def new_name(grantee):
    return f'api_guard_one_live_grant_per_{grantee}'


def has_column(editor, model, name):
    with editor.connection.cursor() as cursor:
        table = editor.connection.introspection.get_table_description(cursor, model._meta.db_table)
    return model._meta.get_field(name).column in {column.name for column in table}


def has_constraint(editor, model, name):
    with editor.connection.cursor() as cursor:
        found = editor.connection.introspection.get_constraints(cursor, model._meta.db_table)
    return name in found


class AddFieldOnce(migrations.AddField):
    def database_forwards(self, app_label, schema_editor, from_state, to_state):
        model = to_state.apps.get_model(app_label, self.model_name)
        if self.allow_migrate_model(schema_editor.connection.alias, model):
            if not has_column(schema_editor, model, self.name):
                super().database_forwards(app_label, schema_editor, from_state, to_state)

    def database_backwards(self, app_label, schema_editor, from_state, to_state):
        model = from_state.apps.get_model(app_label, self.model_name)
        if self.allow_migrate_model(schema_editor.connection.alias, model):
            if has_column(schema_editor, model, self.name):
                super().database_backwards(app_label, schema_editor, from_state, to_state)


class AddConstraintOnce(migrations.AddConstraint):
    def database_forwards(self, app_label, schema_editor, from_state, to_state):
        model = to_state.apps.get_model(app_label, self.model_name)
        if not self.allow_migrate_model(schema_editor.connection.alias, model):
            return
        tries = 0
        while not has_constraint(schema_editor, model, self.constraint.name):
            try:
                super().database_forwards(app_label, schema_editor, from_state, to_state)
                return
            except IntegrityError:
                tries += 1
                if schema_editor.connection.in_atomic_block or tries == MOST_TRIES:
                    raise
                close_what_counts_twice(to_state.apps, schema_editor)

    def database_backwards(self, app_label, schema_editor, from_state, to_state):
        model = from_state.apps.get_model(app_label, self.model_name)
        if self.allow_migrate_model(schema_editor.connection.alias, model):
            if has_constraint(schema_editor, model, self.constraint.name):
                super().database_backwards(app_label, schema_editor, from_state, to_state)


class RemoveConstraintOnce(migrations.RemoveConstraint):
    def database_forwards(self, app_label, schema_editor, from_state, to_state):
        model = from_state.apps.get_model(app_label, self.model_name)
        if self.allow_migrate_model(schema_editor.connection.alias, model):
            if has_constraint(schema_editor, model, self.name):
                super().database_forwards(app_label, schema_editor, from_state, to_state)

    def database_backwards(self, app_label, schema_editor, from_state, to_state):
        model = to_state.apps.get_model(app_label, self.model_name)
        if self.allow_migrate_model(schema_editor.connection.alias, model):
            if not has_constraint(schema_editor, model, self.name):
                super().database_backwards(app_label, schema_editor, from_state, to_state)


def close_what_counts_twice(apps, schema_editor):
    """Close grants that a revoke missed, and all duplicates except the longest-lived."""
    model = apps.get_model('api_guard', 'ScopeGrant')
    grants = model._base_manager.using(schema_editor.connection.alias).order_by()
    for grantee in GRANTEES:
        if not has_constraint(schema_editor, model, old_name(grantee)):
            close_what_a_revoke_left(grants, grantee)
        close_duplicates(grants, grantee)


def close_what_a_revoke_left(grants, grantee):
    """Close the grants that existed when their duplicate was revoked: the revoke meant all."""
    revoked = (
        grants.exclude(revoked_reason=DUPLICATE)
        # grant() itself closes an expired grant, after it makes the new one.
        .exclude(revoked_reason='expired', expires_at__lte=F('revoked_at'))
    )
    meant = revoked.filter(
        **{grantee: OuterRef(grantee)}, scope=OuterRef('scope'), revoked_at__gt=OuterRef('granted_at')
    )
    for row in grants.filter(revoked_at__isnull=True).filter(Exists(meant)):
        ends = revoked.filter(
            **{grantee: getattr(row, f'{grantee}_id')}, revoked_at__gt=row.granted_at, scope=row.scope
        )
        # For a database, "Notes:Read" and "notes:read" may be equal.
        if row.scope in ends.values_list('scope', flat=True):
            close(grants, row, grantee, LEFT)


def close_duplicates(grants, grantee):
    unrevoked = grants.filter(revoked_at__isnull=True, **{f'{grantee}__isnull': False})
    # Group by what the database considers equal, as the constraint will.
    twice = unrevoked.values(grantee, 'scope').annotate(count=Count('pk')).filter(count__gt=1)
    for group in list(twice):
        rows = list(unrevoked.filter(**{grantee: group[grantee]}, scope=group['scope']))
        kept = max(rows, key=lifetime)
        for row in rows:
            if row.pk != kept.pk:
                close(grants, row, grantee, DUPLICATE)


def lifetime(row):
    expires_at = row.expires_at or datetime.max
    if expires_at.tzinfo is None:
        expires_at = expires_at.replace(tzinfo=zones.utc)
    # Prefer the spelling that is a declared scope, then the longest lifetime, then the older row.
    return row.scope in conf.scopes(), expires_at, -row.pk


def close(grants, row, grantee, reason):
    grants.filter(pk=row.pk).update(revoked_at=timezone.now(), revoked_reason=reason)
    whose, end = f'{grantee} {getattr(row, f"{grantee}_id")}', row.expires_at or 'never'
    print(f'\n    Scope grant {row.pk} ({row.scope}, {whose}, expires: {end}): {reason}.', end='')


class Migration(migrations.Migration):

    dependencies = [
        ('api_guard', '0004_redeemed_codes'),
    ]

    operations = [
        migrations.RunPython(
            close_what_counts_twice, migrations.RunPython.noop, hints={'model_name': 'scopegrant'}
        ),
        AddFieldOnce(
            model_name='scopegrant',
            name='live',
            field=models.GeneratedField(db_persist=True, expression=models.Case(models.When(revoked_at__isnull=True, then=models.Value(1)), default=models.Value(None)), output_field=models.SmallIntegerField(null=True), verbose_name='unrevoked'),
        ),
        *(
            AddConstraintOnce(
                model_name='scopegrant',
                constraint=models.UniqueConstraint(
                    fields=(grantee, 'live', 'scope'), name=new_name(grantee), **ALREADY
                ),
            )
            for grantee in GRANTEES
        ),
        # After the new constraints, so that there is always one in force.
        *(
            RemoveConstraintOnce(model_name='scopegrant', name=old_name(grantee))
            for grantee in GRANTEES
        ),
    ]
