"""Add indexes for the admin's lists. Drop indexes of foreign keys that begin a unique constraint."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models
from oauth2_provider.settings import oauth2_settings


class IndexOfKey(migrations.AlterField):
    """Does nothing on MySQL and MariaDB, which manage the index of a foreign key themselves."""

    def database_forwards(self, app_label, schema_editor, from_state, to_state):
        if schema_editor.connection.vendor != 'mysql':
            super().database_forwards(app_label, schema_editor, from_state, to_state)

    def database_backwards(self, app_label, schema_editor, from_state, to_state):
        self.database_forwards(app_label, schema_editor, from_state, to_state)


class Migration(migrations.Migration):

    dependencies = [
        ('api_guard', '0005_live_grants'),
        ('auth', '0012_alter_user_first_name_max_length'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
        migrations.swappable_dependency(oauth2_settings.APPLICATION_MODEL),
    ]

    operations = [
        IndexOfKey(
            model_name='rateoverride',
            name='client',
            field=models.ForeignKey(blank=True, db_index=False, null=True, on_delete=django.db.models.deletion.CASCADE, related_name='rate_overrides', to=oauth2_settings.APPLICATION_MODEL, verbose_name='client'),
        ),
        IndexOfKey(
            model_name='rateoverride',
            name='group',
            field=models.ForeignKey(blank=True, db_index=False, null=True, on_delete=django.db.models.deletion.CASCADE, related_name='rate_overrides', to='auth.group', verbose_name='group'),
        ),
        IndexOfKey(
            model_name='rateoverride',
            name='user',
            field=models.ForeignKey(blank=True, db_index=False, null=True, on_delete=django.db.models.deletion.CASCADE, related_name='rate_overrides', to=settings.AUTH_USER_MODEL, verbose_name='user'),
        ),
        IndexOfKey(
            model_name='scopegrant',
            name='client',
            field=models.ForeignKey(blank=True, db_index=False, null=True, on_delete=django.db.models.deletion.CASCADE, related_name='scope_grants', to=oauth2_settings.APPLICATION_MODEL, verbose_name='client'),
        ),
        IndexOfKey(
            model_name='scopegrant',
            name='group',
            field=models.ForeignKey(blank=True, db_index=False, null=True, on_delete=django.db.models.deletion.CASCADE, related_name='scope_grants', to='auth.group', verbose_name='group'),
        ),
        IndexOfKey(
            model_name='scopegrant',
            name='user',
            field=models.ForeignKey(blank=True, db_index=False, null=True, on_delete=django.db.models.deletion.CASCADE, related_name='scope_grants', to=settings.AUTH_USER_MODEL, verbose_name='user'),
        ),
        migrations.AddIndex(
            model_name='rateoverride',
            index=models.Index(fields=['name', '-limit', '-id'], name='api_guard_overrides'),
        ),
        migrations.AddIndex(
            model_name='remotesubject',
            index=models.Index(fields=['subject', '-id'], name='api_guard_subjects'),
        ),
        migrations.AddIndex(
            model_name='remotesubject',
            index=models.Index(fields=['issuer', '-id'], name='api_guard_subjects_of_issuer'),
        ),
        migrations.AddIndex(
            model_name='scopegrant',
            index=models.Index(fields=['-granted_at', '-id'], name='api_guard_grants'),
        ),
        migrations.AddIndex(
            model_name='scopegrant',
            index=models.Index(fields=['scope', '-granted_at', '-id'], name='api_guard_grants_of_scope'),
        ),
        migrations.AddIndex(
            model_name='scopegrant',
            index=models.Index(fields=['live', '-granted_at', '-id'], name='api_guard_grants_live'),
        ),
        migrations.AddIndex(
            model_name='scopegrant',
            index=models.Index(fields=['live', '-expires_at', '-id'], name='api_guard_grants_expired'),
        ),
        migrations.AddIndex(
            model_name='scopegrant',
            index=models.Index(fields=['-revoked_at', '-id'], name='api_guard_grants_revoked'),
        ),
    ]
