import api_guard.models.authorities
import api_guard.models.cascading
import api_guard.models.scope_grants
import django.db.models.deletion
import django.utils.timezone
from django.conf import settings
from django.db import migrations, models
from oauth2_provider.settings import oauth2_settings


class Migration(migrations.Migration):

    dependencies = [
        ('api_guard', '0007_ledger'),
        ('auth', '0012_alter_user_first_name_max_length'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
        migrations.swappable_dependency(oauth2_settings.APPLICATION_MODEL),
    ]

    operations = [
        migrations.AlterModelOptions(
            name='scopegrant',
            options={'base_manager_name': 'objects', 'ordering': ['-granted_at', '-pk'], 'permissions': [('grant_any_scope', 'Can grant every scope and decide who manages which')], 'verbose_name': 'scope grant'},
        ),
        migrations.AlterModelOptions(
            name='rateoverride',
            options={'base_manager_name': 'objects', 'ordering': ['name', '-limit'], 'verbose_name': 'rate override'},
        ),
        migrations.AlterModelOptions(
            name='remotesubject',
            options={'base_manager_name': 'objects', 'verbose_name': 'remote subject'},
        ),
        migrations.AddField(
            model_name='scopegrant',
            name='is_break_glass',
            field=models.BooleanField(db_default=False, default=False, editable=False, help_text='The grantee granted it to itself, for at most one hour.', verbose_name='break-glass'),
        ),
        migrations.AlterField(
            model_name='rateoverride',
            name='client',
            field=models.ForeignKey(blank=True, db_index=False, null=True, on_delete=api_guard.models.cascading.cascade, related_name='rate_overrides', to=oauth2_settings.APPLICATION_MODEL, verbose_name='client'),
        ),
        migrations.AlterField(
            model_name='rateoverride',
            name='group',
            field=models.ForeignKey(blank=True, db_index=False, null=True, on_delete=api_guard.models.cascading.cascade, related_name='rate_overrides', to='auth.group', verbose_name='group'),
        ),
        migrations.AlterField(
            model_name='rateoverride',
            name='user',
            field=models.ForeignKey(blank=True, db_index=False, null=True, on_delete=api_guard.models.cascading.cascade, related_name='rate_overrides', to=settings.AUTH_USER_MODEL, verbose_name='user'),
        ),
        migrations.AlterField(
            model_name='scopegrant',
            name='client',
            field=models.ForeignKey(blank=True, db_index=False, null=True, on_delete=api_guard.models.cascading.cascade, related_name='scope_grants', to=oauth2_settings.APPLICATION_MODEL, verbose_name='client'),
        ),
        migrations.AlterField(
            model_name='scopegrant',
            name='group',
            field=models.ForeignKey(blank=True, db_index=False, null=True, on_delete=api_guard.models.cascading.cascade, related_name='scope_grants', to='auth.group', verbose_name='group'),
        ),
        migrations.AlterField(
            model_name='scopegrant',
            name='user',
            field=models.ForeignKey(blank=True, db_index=False, null=True, on_delete=api_guard.models.cascading.cascade, related_name='scope_grants', to=settings.AUTH_USER_MODEL, verbose_name='user'),
        ),
        migrations.CreateModel(
            name='GrantRequest',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('scope', models.CharField(max_length=255, validators=[api_guard.models.scope_grants.validate_scope], verbose_name='scope')),
                ('reason', models.CharField(blank=True, max_length=500, verbose_name='reason')),
                ('expires_at', models.DateTimeField(blank=True, help_text='When the grant will expire.', null=True, verbose_name='expires at')),
                ('asked_at', models.DateTimeField(default=django.utils.timezone.now, editable=False, verbose_name='asked at')),
                ('outcome', models.CharField(blank=True, choices=[('', 'open'), ('granted', 'granted'), ('declined', 'declined')], default='', editable=False, max_length=10, verbose_name='outcome')),
                ('decided_at', models.DateTimeField(blank=True, editable=False, null=True, verbose_name='decided at')),
                ('asked_by', models.ForeignKey(blank=True, editable=False, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='asked by')),
                ('client', models.ForeignKey(blank=True, null=True, on_delete=api_guard.models.cascading.cascade, related_name='grant_requests', to=oauth2_settings.APPLICATION_MODEL, verbose_name='client')),
                ('group', models.ForeignKey(blank=True, null=True, on_delete=api_guard.models.cascading.cascade, related_name='grant_requests', to='auth.group', verbose_name='group')),
                ('user', models.ForeignKey(blank=True, null=True, on_delete=api_guard.models.cascading.cascade, related_name='grant_requests', to=settings.AUTH_USER_MODEL, verbose_name='user')),
            ],
            options={
                'base_manager_name': 'objects',
                'verbose_name': 'grant request',
                'ordering': ['-pk'],
            },
        ),
        migrations.CreateModel(
            name='GrantApproval',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('at', models.DateTimeField(default=django.utils.timezone.now, editable=False, verbose_name='approved at')),
                ('by', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='approved by')),
                ('request', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='approvals', to='api_guard.grantrequest', verbose_name='request')),
            ],
            options={
                'base_manager_name': 'objects',
                'verbose_name': 'grant approval',
            },
        ),
        migrations.CreateModel(
            name='GrantAuthority',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('scope_group', models.CharField(max_length=150, validators=[api_guard.models.authorities.validate_scope_group], verbose_name='scopes')),
                ('reason', models.CharField(blank=True, max_length=500, verbose_name='reason')),
                ('created_at', models.DateTimeField(default=django.utils.timezone.now, editable=False, verbose_name='created at')),
                ('group', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='grant_authorities', to='auth.group', verbose_name='group')),
            ],
            options={
                'base_manager_name': 'objects',
                'verbose_name': 'grant authority',
                'verbose_name_plural': 'grant authorities',
                'ordering': ['group__name', 'scope_group'],
                'constraints': [models.UniqueConstraint(fields=('group', 'scope_group'), name='api_guard_one_authority_per_group', violation_error_code='already_authorized', violation_error_message='This group may already grant these scopes.')],
            },
        ),
        migrations.AddIndex(
            model_name='grantrequest',
            index=models.Index(fields=['outcome', '-id'], name='api_guard_requests'),
        ),
        migrations.AddConstraint(
            model_name='grantrequest',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('client__isnull', True), ('group__isnull', True), ('user__isnull', False)), models.Q(('client__isnull', True), ('group__isnull', False), ('user__isnull', True)), models.Q(('client__isnull', False), ('group__isnull', True), ('user__isnull', True)), _connector='OR'), name='api_guard_request_for_one_grantee', violation_error_code='one_grantee', violation_error_message='Choose exactly one grantee: a user, a group or a client.'),
        ),
        migrations.AddConstraint(
            model_name='grantapproval',
            constraint=models.UniqueConstraint(fields=('request', 'by'), name='api_guard_one_approval_per_person'),
        ),
    ]
