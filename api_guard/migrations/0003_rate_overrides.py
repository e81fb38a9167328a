import django.core.validators
import django.db.models.deletion
import django.utils.timezone
from django.conf import settings
from django.db import migrations, models
from oauth2_provider.settings import oauth2_settings


class Migration(migrations.Migration):

    dependencies = [
        ('api_guard', '0002_remote_subjects_and_refresh_scopes'),
        ('auth', '0012_alter_user_first_name_max_length'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
        migrations.swappable_dependency(oauth2_settings.APPLICATION_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='RateOverride',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('name', models.CharField(max_length=500, verbose_name='rate')),
                ('limit', models.PositiveIntegerField(validators=[django.core.validators.MinValueValidator(1)], verbose_name='limit')),
                ('reason', models.CharField(blank=True, max_length=500, verbose_name='reason')),
                ('created_at', models.DateTimeField(default=django.utils.timezone.now, editable=False, verbose_name='created at')),
                ('expires_at', models.DateTimeField(blank=True, help_text='Leave empty for no expiry.', null=True, verbose_name='expires at')),
                ('client', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.CASCADE, related_name='rate_overrides', to=oauth2_settings.APPLICATION_MODEL, verbose_name='client')),
                ('group', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.CASCADE, related_name='rate_overrides', to='auth.group', verbose_name='group')),
                ('user', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.CASCADE, related_name='rate_overrides', to=settings.AUTH_USER_MODEL, verbose_name='user')),
            ],
            options={
                'verbose_name': 'rate override',
                'ordering': ['name', '-limit'],
                'constraints': [models.CheckConstraint(condition=models.Q(models.Q(('client__isnull', True), ('group__isnull', True), ('user__isnull', False)), models.Q(('client__isnull', True), ('group__isnull', False), ('user__isnull', True)), models.Q(('client__isnull', False), ('group__isnull', True), ('user__isnull', True)), _connector='OR'), name='api_guard_override_of_one_grantee', violation_error_code='one_grantee', violation_error_message='Choose exactly one grantee: a user, a group or a client.'), models.CheckConstraint(condition=models.Q(('limit__gte', 1)), name='api_guard_override_admits_somebody', violation_error_message='A limit must allow at least one request.'), models.UniqueConstraint(fields=('user', 'name'), name='api_guard_one_override_per_user', violation_error_code='already_overridden', violation_error_message='This grantee already has an override of this rate.'), models.UniqueConstraint(fields=('group', 'name'), name='api_guard_one_override_per_group', violation_error_code='already_overridden', violation_error_message='This grantee already has an override of this rate.'), models.UniqueConstraint(fields=('client', 'name'), name='api_guard_one_override_per_client', violation_error_code='already_overridden', violation_error_message='This grantee already has an override of this rate.')],
            },
        ),
    ]
