"""Move the last use of each grant to a table of its own.

MySQL and MariaDB cannot undo a change of a table: if the migration fails half way, run it again. It
begins anew, and the old column is removed last.
"""

import django.db.models.deletion
import django.utils.timezone
from django.db import migrations, models

COPY = (
    'INSERT INTO {uses} (grant_id, last_used_at) '
    'SELECT id, last_used_at FROM {grants} WHERE last_used_at IS NOT NULL'
)
COPY_BACK = (
    'UPDATE {grants} SET last_used_at = '
    '(SELECT last_used_at FROM {uses} WHERE {uses}.grant_id = {grants}.id)'
)


def run(editor, apps, statement):
    uses, grants = (apps.get_model('api_guard', name) for name in ('ScopeUse', 'ScopeGrant'))
    quote = editor.quote_name
    tables = {'uses': quote(uses._meta.db_table), 'grants': quote(grants._meta.db_table)}
    with editor.connection.cursor() as cursor:
        cursor.execute(statement.format(**tables))


def copy(apps, editor):
    """Copy in the database, however many rows there are. Note that uses are recorded from now on."""
    run(editor, apps, COPY)
    tracking = apps.get_model('api_guard', 'ScopeUseTracking')
    tracking.objects.using(editor.connection.alias).create(pk=1)


def copy_back(apps, editor):
    run(editor, apps, COPY_BACK)


class CreateAnew(migrations.CreateModel):
    """Create the table, also where a run that failed half way has left it."""

    def database_forwards(self, app_label, schema_editor, from_state, to_state):
        model = to_state.apps.get_model(app_label, self.name)
        connection = schema_editor.connection
        if connection.vendor == 'mysql':
            with connection.cursor() as cursor:
                tables = connection.introspection.table_names(cursor)
            if model._meta.db_table in tables:
                schema_editor.delete_model(model)
        super().database_forwards(app_label, schema_editor, from_state, to_state)


class Migration(migrations.Migration):

    dependencies = [
        ('api_guard', '0008_authorities'),
    ]

    operations = [
        CreateAnew(
            name='ScopeUse',
            fields=[
                ('grant', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, primary_key=True, related_name='use', serialize=False, to='api_guard.scopegrant', verbose_name='grant')),
                ('last_used_at', models.DateTimeField(db_index=True, verbose_name='last used at')),
            ],
            options={
                'verbose_name': 'use of a grant',
                'verbose_name_plural': 'uses of grants',
                'default_permissions': ('view',),
            },
        ),
        CreateAnew(
            name='ScopeUseTracking',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('since', models.DateTimeField(default=django.utils.timezone.now, verbose_name='since')),
                ('seen_at', models.DateTimeField(default=django.utils.timezone.now, verbose_name='last recorded at')),
            ],
            options={
                'verbose_name': 'recording of uses',
                'verbose_name_plural': 'recording of uses',
                'default_permissions': (),
            },
        ),
        migrations.RunPython(copy, copy_back, elidable=False),
        migrations.RemoveField(
            model_name='scopegrant',
            name='last_used_at',
        ),
    ]
