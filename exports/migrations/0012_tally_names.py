from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [('exports', '0011_notices_of_exports')]

    operations = [
        migrations.RemoveConstraint(model_name='segmenttally', name='one_tally_a_segment'),
        migrations.RenameField(model_name='segmenttally', old_name='sha256', new_name='name'),
        migrations.AlterField(
            model_name='segmenttally',
            name='name',
            field=models.CharField(help_text="A hash of the segment's rows, the clock and the code.", max_length=64),
        ),
        migrations.AddConstraint(
            model_name='segmenttally',
            constraint=models.UniqueConstraint(fields=('deployment', 'table', 'name'), name='one_tally_a_segment'),
        ),
    ]
