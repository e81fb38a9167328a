
import api_guard.models
import django.db.models.deletion
import django.utils.timezone
from django.conf import settings
from django.db import migrations, models
from oauth2_provider.settings import oauth2_settings


class Migration(migrations.Migration):

    initial = True

    dependencies = [
        ('auth', '0012_alter_user_first_name_max_length'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
        migrations.swappable_dependency(oauth2_settings.APPLICATION_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='ScopeGrant',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('scope', models.CharField(max_length=255, validators=[api_guard.models.validate_scope], verbose_name='scope')),
                ('granted_at', models.DateTimeField(default=django.utils.timezone.now, editable=False, verbose_name='granted at')),
                ('reason', models.CharField(blank=True, max_length=500, verbose_name='reason')),
                ('expires_at', models.DateTimeField(blank=True, help_text='Leave empty for no expiry.', null=True, verbose_name='expires at')),
                ('revoked_at', models.DateTimeField(blank=True, editable=False, null=True, verbose_name='revoked at')),
                ('revoked_reason', models.CharField(blank=True, editable=False, max_length=500, verbose_name='reason of revocation')),
                ('last_used_at', models.DateTimeField(blank=True, editable=False, null=True, verbose_name='last used at')),
                ('client', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.CASCADE, related_name='scope_grants', to=oauth2_settings.APPLICATION_MODEL, verbose_name='client')),
                ('granted_by', models.ForeignKey(blank=True, editable=False, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='granted by')),
                ('group', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.CASCADE, related_name='scope_grants', to='auth.group', verbose_name='group')),
                ('revoked_by', models.ForeignKey(blank=True, editable=False, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='revoked by')),
                ('user', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.CASCADE, related_name='scope_grants', to=settings.AUTH_USER_MODEL, verbose_name='user')),
            ],
            options={
                'verbose_name': 'scope grant',
                'ordering': ['-granted_at', '-pk'],
                'constraints': [models.CheckConstraint(condition=models.Q(models.Q(('client__isnull', True), ('group__isnull', True), ('user__isnull', False)), models.Q(('client__isnull', True), ('group__isnull', False), ('user__isnull', True)), models.Q(('client__isnull', False), ('group__isnull', True), ('user__isnull', True)), _connector='OR'), name='api_guard_exactly_one_grantee', violation_error_code='one_grantee', violation_error_message='Choose exactly one grantee: a user, a group or a client.'), models.UniqueConstraint(condition=models.Q(('revoked_at__isnull', True)), fields=('user', 'scope'), name='api_guard_one_grant_per_user', violation_error_code='already_granted', violation_error_message='This grantee already has a grant of this scope.'), models.UniqueConstraint(condition=models.Q(('revoked_at__isnull', True)), fields=('group', 'scope'), name='api_guard_one_grant_per_group', violation_error_code='already_granted', violation_error_message='This grantee already has a grant of this scope.'), models.UniqueConstraint(condition=models.Q(('revoked_at__isnull', True)), fields=('client', 'scope'), name='api_guard_one_grant_per_client', violation_error_code='already_granted', violation_error_message='This grantee already has a grant of this scope.')],
            },
        ),
    ]
