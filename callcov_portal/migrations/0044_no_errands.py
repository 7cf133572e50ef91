"""Errands are gone: what was left of them was carried over."""

from django.db import migrations


class Migration(migrations.Migration):

    dependencies = [
        ('portal', '0043_errands_go_on'),
    ]

    operations = [
        migrations.DeleteModel(name='Errand'),
    ]
