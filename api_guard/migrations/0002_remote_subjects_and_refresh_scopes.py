import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models
from oauth2_provider.settings import oauth2_settings


class Migration(migrations.Migration):

    dependencies = [
        ('api_guard', '0001_initial'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
        migrations.swappable_dependency(oauth2_settings.REFRESH_TOKEN_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='RefreshScope',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('scope', models.TextField(verbose_name='scope')),
                ('refresh_token', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, related_name='+', to=oauth2_settings.REFRESH_TOKEN_MODEL, verbose_name='refresh token')),
            ],
            options={
                'verbose_name': 'scope of a refresh token',
                'verbose_name_plural': 'scopes of refresh tokens',
            },
        ),
        migrations.CreateModel(
            name='RemoteSubject',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('issuer', models.CharField(help_text="The value of API_GUARD['INTROSPECTION']['ISSUER'].", max_length=255, verbose_name='issuer')),
                ('subject', models.CharField(help_text="The issuer's identifier for the user: the claim sub.", max_length=255, verbose_name='subject')),
                ('user', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='remote_subjects', to=settings.AUTH_USER_MODEL, verbose_name='user')),
            ],
            options={
                'verbose_name': 'remote subject',
                'constraints': [models.UniqueConstraint(fields=('issuer', 'subject'), name='api_guard_one_user_per_subject', violation_error_message='This subject already belongs to a user.')],
            },
        ),
    ]
