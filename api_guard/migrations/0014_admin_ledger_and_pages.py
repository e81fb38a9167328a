"""A column of the ledger to find records by, and the pages of blocks, clients and the matrix.

On MySQL and MariaDB, run it again if it fails half way. It skips what is done.
"""

from importlib import import_module

import django.db.models.expressions
import django.db.models.functions.comparison
import django.db.models.functions.text
from django.db import migrations, models

has_constraint = import_module('api_guard.migrations.0005_live_grants').has_constraint
AddFieldOnce = import_module('api_guard.migrations.0010_access_reviews').AddFieldOnce
CreateAnew = import_module('api_guard.migrations.0009_scope_use').CreateAnew


class AddIndexOnce(migrations.AddIndex):
    """Add the index, if a run that failed half way has not added it."""

    def database_forwards(self, app_label, schema_editor, from_state, to_state):
        model, connection = to_state.apps.get_model(app_label, self.model_name), schema_editor.connection
        may_be_there = not connection.features.can_rollback_ddl
        if may_be_there and self.allow_migrate_model(connection.alias, model):
            if has_constraint(schema_editor, model, self.index.name):
                return
        super().database_forwards(app_label, schema_editor, from_state, to_state)


class RemoveIndexOnce(migrations.RemoveIndex):
    """Remove the index, if a run that failed half way has not removed it."""

    def database_forwards(self, app_label, schema_editor, from_state, to_state):
        model, connection = from_state.apps.get_model(app_label, self.model_name), schema_editor.connection
        may_be_gone = not connection.features.can_rollback_ddl
        if may_be_gone and self.allow_migrate_model(connection.alias, model):
            if not has_constraint(schema_editor, model, self.name):
                return
        super().database_forwards(app_label, schema_editor, from_state, to_state)


class Migration(migrations.Migration):

    dependencies = [
        ('api_guard', '0013_plural_names'),
    ]

    operations = [
        migrations.CreateModel(
            name='Block',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
            ],
            options={
                'verbose_name': 'block',
                'verbose_name_plural': 'blocks of failed credentials',
                'permissions': [('lift_block', 'Can lift a block of failed credentials')],
                'abstract': False,
                'managed': False,
                'default_permissions': ('view',),
                'base_manager_name': 'objects',
            },
        ),
        migrations.CreateModel(
            name='Client',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
            ],
            options={
                'verbose_name': 'client',
                'verbose_name_plural': 'clients and tokens',
                'abstract': False,
                'managed': False,
                'default_permissions': ('view',),
                'base_manager_name': 'objects',
            },
        ),
        migrations.CreateModel(
            name='Matrix',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
            ],
            options={
                'verbose_name': 'matrix of scopes',
                'verbose_name_plural': 'matrix of scopes',
                'abstract': False,
                'managed': False,
                'default_permissions': ('view',),
                'base_manager_name': 'objects',
            },
        ),
        CreateAnew(
            name='LedgerVerification',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('digest', models.CharField(max_length=64, verbose_name='digest')),
                ('at', models.CharField(max_length=32, verbose_name='at')),
                ('key_id', models.CharField(max_length=64, verbose_name='key')),
                ('mac', models.CharField(max_length=64, verbose_name='signature')),
                ('sequence', models.BigIntegerField(verbose_name='number')),
                ('errors', models.PositiveIntegerField(verbose_name='errors')),
            ],
            options={
                'verbose_name': 'verification of the ledger',
                'verbose_name_plural': 'verifications of the ledger',
                'abstract': False,
                'default_permissions': ('view',),
                'base_manager_name': 'objects',
            },
        ),
        migrations.AlterModelOptions(
            name='ledgerrecord',
            options={'base_manager_name': 'objects', 'default_permissions': ('view',), 'ordering': ['-id'], 'permissions': [('export_ledgerrecord', 'Can export the ledger')], 'verbose_name': 'ledger record', 'verbose_name_plural': 'ledger records'},
        ),
        RemoveIndexOnce(
            model_name='ledgerdetail',
            name='api_guard_ledger_parties',
        ),
        AddFieldOnce(
            model_name='ledgerrecord',
            name='scope',
            field=models.GeneratedField(db_persist=True, expression=django.db.models.functions.text.Substr(django.db.models.functions.text.Substr('content', django.db.models.expressions.CombinedExpression(django.db.models.functions.text.StrIndex(models.F('content'), models.Value(',"scope":"')), '+', models.Value(10))), models.Value(1), django.db.models.functions.comparison.Least(django.db.models.functions.comparison.Greatest(django.db.models.expressions.CombinedExpression(django.db.models.functions.text.StrIndex(django.db.models.functions.text.Substr('content', django.db.models.expressions.CombinedExpression(django.db.models.functions.text.StrIndex(models.F('content'), models.Value(',"scope":"')), '+', models.Value(10))), models.Value('"')), '-', models.Value(1)), models.Value(0)), models.Value(200))), output_field=models.CharField(max_length=200), verbose_name='scope'),
        ),
        AddIndexOnce(
            model_name='ledgerdetail',
            index=models.Index(fields=['key', 'part', 'record'], name='api_guard_ledger_named'),
        ),
        AddIndexOnce(
            model_name='ledgerrecord',
            index=models.Index(fields=['scope', '-id'], name='api_guard_ledger_scopes'),
        ),
    ]
