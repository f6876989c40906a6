from django.db import migrations, models


def bind(apps, schema_editor):
    if schema_editor.connection.alias != "default":
        return
    tokens = apps.get_model("psynetdata", "ApiToken").objects.using("default")
    for token in tokens.exclude(deployment=None):
        token.deployments = [token.deployment_id]
        token.save(update_fields=["deployments"])


class Migration(migrations.Migration):

    dependencies = [
        ('psynetdata', '0009_sheet_groups'),
    ]

    operations = [
        migrations.AddField(
            model_name='apitoken',
            name='deployments',
            field=models.JSONField(blank=True, default=list, help_text='Numbers of deployments; empty: every one.'),
        ),
        migrations.RunPython(bind),
        migrations.RemoveField(
            model_name='apitoken',
            name='deployment',
        ),
    ]
