from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('exports', '0018_backups'),
    ]

    operations = [
        migrations.AddField(
            model_name='installation',
            name='storage_keys',
            field=models.JSONField(blank=True, default=list, help_text='Ids of the keys that files of the storage may be encrypted with.'),
        ),
        migrations.AddField(
            model_name='installation',
            name='sealed',
            field=models.BooleanField(default=False, help_text='Whether all files are encrypted, so that one that is not was not written here.'),
        ),
    ]
