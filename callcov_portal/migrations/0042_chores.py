"""Bulk jobs and merges are chores like waveforms and exports: the same columns, the same worker."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('portal', '0041_one_index_less'),
    ]

    operations = [
        migrations.RemoveIndex(model_name='bulkjob', name='bulk_job_due'),
        migrations.RenameField(model_name='bulkjob', old_name='next_attempt_at', new_name='due_at'),
        migrations.AddField(model_name='bulkjob', name='attempts', field=models.PositiveIntegerField(default=0)),
        migrations.AddField(model_name='bulkjob', name='detail', field=models.TextField(blank=True)),
        migrations.AddField(model_name='bulkjob', name='failure', field=models.CharField(blank=True, max_length=20)),
        migrations.AddIndex(
            model_name='bulkjob',
            index=models.Index(models.F('due_at'), condition=models.Q(('due_at__isnull', False)), name='bulk_job_due'),
        ),
        migrations.AddConstraint(
            model_name='bulkjob',
            constraint=models.UniqueConstraint(models.F('failure'), condition=models.Q(('state', 'running'), models.Q(('failure', ''), _negated=True)), name='bulk_retry_once'),
        ),
        migrations.RemoveField(model_name='export', name='runs'),
        migrations.CreateModel(
            name='Merge',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('due_at', models.DateTimeField(blank=True, null=True)),
                ('attempts', models.PositiveIntegerField(default=0)),
                ('detail', models.TextField(blank=True)),
                ('side', models.CharField(choices=[('agent', 'Agent'), ('contact', 'Contact')], max_length=7)),
                ('source', models.BigIntegerField()),
                ('done', models.PositiveIntegerField(default=0)),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('finished_at', models.DateTimeField(blank=True, null=True)),
                ('user', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'ordering': ['pk'],
                'indexes': [models.Index(models.F('due_at'), condition=models.Q(('due_at__isnull', False)), name='merge_due')],
                'constraints': [models.UniqueConstraint(models.F('side'), models.F('source'), condition=models.Q(('finished_at__isnull', True)), name='merge_once')],
            },
        ),
    ]
