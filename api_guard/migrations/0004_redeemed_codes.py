import django.db.models.deletion
from django.db import migrations, models
from oauth2_provider.settings import oauth2_settings


class Migration(migrations.Migration):

    dependencies = [
        ('api_guard', '0003_rate_overrides'),
        migrations.swappable_dependency(oauth2_settings.ACCESS_TOKEN_MODEL),
        migrations.swappable_dependency(oauth2_settings.REFRESH_TOKEN_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='RedeemedCode',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('code_checksum', models.CharField(max_length=64, unique=True, verbose_name='checksum of the code')),
                ('code_challenge', models.CharField(blank=True, max_length=128, verbose_name='code challenge')),
                ('code_challenge_method', models.CharField(blank=True, max_length=10, verbose_name='challenge method')),
                ('access_token', models.ForeignKey(null=True, on_delete=django.db.models.deletion.CASCADE, related_name='+', to=oauth2_settings.ACCESS_TOKEN_MODEL, verbose_name='access token')),
                ('refresh_token', models.ForeignKey(null=True, on_delete=django.db.models.deletion.CASCADE, related_name='+', to=oauth2_settings.REFRESH_TOKEN_MODEL, verbose_name='refresh token')),
            ],
            options={
                'verbose_name': 'redeemed code',
            },
        ),
    ]
