

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('psynetdata', '0011_withhold_undecided'),
    ]

    operations = [
        migrations.AddField(
            model_name='deployment',
            name='experiment_secret',
            field=models.CharField(blank=True, editable=False, help_text='Names its user:password; see psynetdata.credentials.', max_length=200),
        ),
    ]
