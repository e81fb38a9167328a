"""Requests by users: how a request ended, who decided it, and one open request for the same.

Of several open requests for the same, the newest stays open, and the others are closed. On MySQL and
MariaDB, run it again if it fails half way. It skips what is done.
"""

from importlib import import_module

import django.db.models.deletion
import django.utils.timezone
from django.conf import settings
from django.db import migrations, models
from django.db.models import Count, Max
from django.utils import timezone

has_constraint = import_module('api_guard.migrations.0005_live_grants').has_constraint
AddFieldOnce = import_module('api_guard.migrations.0010_access_reviews').AddFieldOnce
CreateAnew = import_module('api_guard.migrations.0009_scope_use').CreateAnew

GRANTEES = ('user', 'group', 'client')


def close_what_is_asked_twice(apps, schema_editor):
    model = apps.get_model('api_guard', 'GrantRequest')
    requests = model._base_manager.using(schema_editor.connection.alias).order_by()
    for grantee in GRANTEES:
        undecided = requests.filter(outcome='', **{f'{grantee}__isnull': False})
        # Group by what the database considers equal, as the constraint will.
        twice = undecided.values(grantee, 'scope').annotate(count=Count('pk'), newest=Max('pk'))
        for group in list(twice.filter(count__gt=1)):
            same = undecided.filter(**{grantee: group[grantee]}, scope=group['scope'])
            same.exclude(pk=group['newest']).update(
                outcome='expired', decided_at=timezone.now(), decision_reason='closed as a duplicate'
            )


class AddConstraintOnce(migrations.AddConstraint):
    """Add it if it is not there, and close first what a site that keeps running asked for twice."""

    def database_forwards(self, app_label, schema_editor, from_state, to_state):
        model, connection = to_state.apps.get_model(app_label, self.model_name), schema_editor.connection
        if not self.allow_migrate_model(connection.alias, model):
            return
        if not connection.features.can_rollback_ddl:
            if has_constraint(schema_editor, model, self.constraint.name):
                return
            close_what_is_asked_twice(to_state.apps, schema_editor)
        super().database_forwards(app_label, schema_editor, from_state, to_state)


class Migration(migrations.Migration):

    dependencies = [
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
        ('api_guard', '0010_access_reviews'),
    ]

    operations = [
        migrations.AlterField(
            model_name='grantrequest',
            name='outcome',
            field=models.CharField(blank=True, choices=[('', 'open'), ('granted', 'granted'), ('declined', 'declined'), ('withdrawn', 'withdrawn'), ('expired', 'expired')], default='', editable=False, max_length=10, verbose_name='outcome'),
        ),
        AddFieldOnce(
            model_name='grantrequest',
            name='decided_by',
            field=models.ForeignKey(blank=True, editable=False, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='decided by'),
        ),
        AddFieldOnce(
            model_name='grantrequest',
            name='decision_reason',
            field=models.CharField(blank=True, db_default='', default='', editable=False, max_length=500, verbose_name='reason of the decision'),
        ),
        AddFieldOnce(
            model_name='grantapproval',
            name='expires_at',
            field=models.DateTimeField(blank=True, editable=False, help_text='Empty if the user approved the expiry that was asked for.', null=True, verbose_name='shortened to'),
        ),
        migrations.RunPython(
            close_what_is_asked_twice, migrations.RunPython.noop, hints={'model_name': 'grantrequest'}
        ),
        AddFieldOnce(
            model_name='grantrequest',
            name='undecided',
            field=models.GeneratedField(db_persist=True, expression=models.Case(models.When(outcome='', then=models.Value(1)), default=models.Value(None)), output_field=models.SmallIntegerField(null=True), verbose_name='undecided'),
        ),
        *(
            AddConstraintOnce(
                model_name='grantrequest',
                constraint=models.UniqueConstraint(fields=(grantee, 'undecided', 'scope'), name=f'api_guard_one_open_request_per_{grantee}', violation_error_code='already_asked', violation_error_message='An open request asks for the same already.'),
            )
            for grantee in GRANTEES
        ),
        CreateAnew(
            name='BundlePin',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('bundle', models.CharField(max_length=255, unique=True, verbose_name='bundle')),
                ('scopes', models.TextField(help_text='Sorted, with a space between them.', verbose_name='scopes')),
                ('pinned_at', models.DateTimeField(default=django.utils.timezone.now, editable=False, verbose_name='pinned at')),
            ],
            options={
                'base_manager_name': 'objects',
                'verbose_name': 'bundle pin',
                'ordering': ['bundle'],
            },
        ),
        CreateAnew(
            name='Notice',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('key', models.CharField(max_length=200, unique=True, verbose_name='key')),
                ('run', models.CharField(db_index=True, max_length=32, verbose_name='run')),
                ('claimed_at', models.DateTimeField(verbose_name='claimed at')),
                ('sent_at', models.DateTimeField(blank=True, db_index=True, null=True, verbose_name='sent at')),
            ],
            options={
                'verbose_name': 'notice',
                'default_permissions': (),
            },
        ),
    ]
