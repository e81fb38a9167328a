"""The ledger: its records, their erasable details, its head and its checkpoints."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('api_guard', '0006_admin_lists'),
    ]

    operations = [
        migrations.CreateModel(
            name='LedgerCheckpoint',
            fields=[
                ('digest', models.CharField(max_length=64, verbose_name='digest')),
                ('at', models.CharField(max_length=32, verbose_name='at')),
                ('key_id', models.CharField(max_length=64, verbose_name='key')),
                ('mac', models.CharField(max_length=64, verbose_name='signature')),
                ('sequence', models.BigIntegerField(primary_key=True, serialize=False, verbose_name='number')),
            ],
            options={
                'verbose_name': 'ledger checkpoint',
                'abstract': False,
                'default_permissions': ('view',),
                'base_manager_name': 'objects',
            },
        ),
        migrations.CreateModel(
            name='LedgerHead',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('digest', models.CharField(max_length=64, verbose_name='digest')),
                ('at', models.CharField(max_length=32, verbose_name='at')),
                ('key_id', models.CharField(max_length=64, verbose_name='key')),
                ('mac', models.CharField(max_length=64, verbose_name='signature')),
                ('sequence', models.BigIntegerField(verbose_name='number')),
            ],
            options={
                'verbose_name': 'head of the ledger',
                'abstract': False,
                'default_permissions': ('view',),
                'base_manager_name': 'objects',
            },
        ),
        migrations.CreateModel(
            name='LedgerDetail',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('record', models.CharField(max_length=64, verbose_name='record')),
                ('part', models.CharField(max_length=16, verbose_name='part')),
                ('key', models.CharField(blank=True, max_length=200, verbose_name='key')),
                ('text', models.TextField(blank=True, verbose_name='text')),
                ('salt', models.CharField(blank=True, max_length=32, verbose_name='salt')),
                ('forgotten', models.CharField(blank=True, max_length=64, verbose_name='erased by')),
            ],
            options={
                'verbose_name': 'ledger detail',
                'abstract': False,
                'default_permissions': ('view',),
                'base_manager_name': 'objects',
                'indexes': [models.Index(fields=['key', 'record'], name='api_guard_ledger_parties')],
                'constraints': [models.UniqueConstraint(fields=('record', 'part'), name='api_guard_one_ledger_detail_per_part')],
            },
        ),
        migrations.CreateModel(
            name='LedgerRecord',
            fields=[
                ('id', models.CharField(max_length=64, primary_key=True, serialize=False, verbose_name='id')),
                ('at', models.CharField(max_length=32, verbose_name='at')),
                ('event', models.CharField(max_length=32, verbose_name='event')),
                ('key_id', models.CharField(max_length=64, verbose_name='key')),
                ('content', models.TextField(verbose_name='content')),
                ('mac', models.CharField(max_length=64, verbose_name='signature')),
                ('sequence', models.BigIntegerField(null=True, unique=True, verbose_name='number')),
                ('previous', models.CharField(max_length=64, null=True, unique=True, verbose_name='previous digest')),
                ('digest', models.CharField(max_length=64, null=True, verbose_name='digest')),
            ],
            options={
                'verbose_name': 'ledger record',
                'ordering': ['-id'],
                'abstract': False,
                'default_permissions': ('view',),
                'base_manager_name': 'objects',
                'indexes': [models.Index(fields=['sequence', 'id'], name='api_guard_ledger_unchained'), models.Index(fields=['event', '-id'], name='api_guard_ledger_events')],
            },
        ),
    ]
