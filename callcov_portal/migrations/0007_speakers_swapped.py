from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('portal', '0006_unmuted'),
    ]

    operations = [
        migrations.AddField(
            model_name='analysis',
            name='speakers_swapped',
            field=models.BooleanField(default=False),
        ),
    ]
