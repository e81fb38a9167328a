"""Access reviews, and until when a grant is kept.

On MySQL and MariaDB, run it again if it fails half way. It begins anew.
"""

from importlib import import_module

import django.db.models.deletion
import django.utils.timezone
from django.conf import settings
from django.db import migrations, models

has_column = import_module('api_guard.migrations.0005_live_grants').has_column
CreateAnew = import_module('api_guard.migrations.0009_scope_use').CreateAnew


class AddFieldOnce(migrations.AddField):
    """Add the column, if a run that failed half way has not added it."""

    def database_forwards(self, app_label, schema_editor, from_state, to_state):
        model, connection = to_state.apps.get_model(app_label, self.model_name), schema_editor.connection
        may_be_there = not connection.features.can_rollback_ddl
        if may_be_there and self.allow_migrate_model(connection.alias, model):
            if has_column(schema_editor, model, self.name):
                return
        super().database_forwards(app_label, schema_editor, from_state, to_state)


class Migration(migrations.Migration):

    dependencies = [
        ('api_guard', '0009_scope_use'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        AddFieldOnce(
            model_name='scopegrant',
            name='kept_until',
            field=models.DateTimeField(blank=True, editable=False, null=True, verbose_name='kept until'),
        ),
        CreateAnew(
            name='AccessReview',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('title', models.CharField(max_length=200, verbose_name='title')),
                ('scope', models.CharField(blank=True, max_length=255, verbose_name='scope')),
                ('scope_group', models.CharField(blank=True, max_length=150, verbose_name='group of scopes')),
                ('grantee_kind', models.CharField(blank=True, max_length=10, verbose_name='kind of grantee')),
                ('due_at', models.DateTimeField(verbose_name='due at')),
                ('opened_at', models.DateTimeField(default=django.utils.timezone.now, editable=False, verbose_name='opened at')),
                ('closed_at', models.DateTimeField(editable=False, null=True, verbose_name='closed at')),
                ('grants', models.PositiveBigIntegerField(editable=False, verbose_name='number of grants')),
                ('digest', models.CharField(editable=False, max_length=64, verbose_name='digest')),
                ('opened_by', models.ForeignKey(editable=False, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='opened by')),
                ('reviewer', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='access_reviews', to=settings.AUTH_USER_MODEL, verbose_name='reviewer')),
            ],
            options={
                'verbose_name': 'access review',
                'ordering': ['-pk'],
                'abstract': False,
                'base_manager_name': 'objects',
            },
        ),
        CreateAnew(
            name='ReviewedGrant',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('scope', models.CharField(max_length=255, verbose_name='scope')),
                ('grantee', models.CharField(max_length=200, verbose_name='grantee')),
                ('decision', models.CharField(blank=True, choices=[('', 'not decided'), ('keep', 'keep'), ('revoke', 'revoke')], default='', max_length=10, verbose_name='decision')),
                ('keep_until', models.DateTimeField(null=True, verbose_name='keep until')),
                ('reason', models.CharField(blank=True, max_length=500, verbose_name='reason')),
                ('decided_at', models.DateTimeField(null=True, verbose_name='decided at')),
                ('last_used_at', models.DateTimeField(null=True, verbose_name='last use, when it was decided')),
                ('decided_by', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='decided by')),
                ('grant', models.ForeignKey(db_constraint=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='reviewed', to='api_guard.scopegrant', verbose_name='grant')),
                ('review', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='items', to='api_guard.accessreview', verbose_name='review')),
            ],
            options={
                'verbose_name': 'grant in a review',
                'verbose_name_plural': 'grants in a review',
                'ordering': ['review', 'grant_id'],
                'abstract': False,
                'base_manager_name': 'objects',
            },
        ),
        migrations.AddIndex(
            model_name='accessreview',
            index=models.Index(fields=['reviewer', 'closed_at'], name='api_guard_reviews'),
        ),
        migrations.AddIndex(
            model_name='reviewedgrant',
            index=models.Index(fields=['review', 'decision', 'id'], name='api_guard_reviewed'),
        ),
        migrations.AddConstraint(
            model_name='reviewedgrant',
            constraint=models.UniqueConstraint(fields=('review', 'grant'), name='api_guard_one_decision_per_grant'),
        ),
    ]
