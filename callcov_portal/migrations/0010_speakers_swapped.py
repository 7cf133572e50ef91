from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('portal', '0009_search_index'),
    ]

    operations = [
        migrations.AddField(
            model_name='analysis',
            name='speakers_swapped',
            field=models.BooleanField(default=False),
        ),
    ]
