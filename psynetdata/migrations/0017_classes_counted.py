from collections import defaultdict

from django.db import migrations, models
from django.db.models import Count

TYPED = {
    "participant": "Participant", "info": "Trial", "asset": "Asset", "node": "Node", "network": "Network",
    "response": "Response",
}


def count_classes(apps, schema_editor):
    """One look through the rows of a face, as long as it takes to make an index of them."""
    face = schema_editor.connection.alias
    counted = defaultdict(dict)
    for table, name in TYPED.items():
        rows = apps.get_model("psynetdata", name).objects.using(face).order_by()
        for number, of, count in rows.values_list("deployment_number", "class_name").annotate(Count("key")):
            counted[number, table][of] = count
    rows = apps.get_model("psynetdata", "Record").objects.using(face).order_by()
    for number, table, of, count in rows.values_list("deployment_number", "table", "class_name").annotate(Count("key")):
        counted[number, table][of] = count
    shown = apps.get_model("psynetdata", "MirroredTable").objects.using(face)
    for row in shown.filter(rows__gt=0).only("deployment_number", "table"):
        shown.filter(pk=row.pk).update(classes=counted[row.deployment_number, row.table])


class Migration(migrations.Migration):

    dependencies = [
        ("psynetdata", "0016_slack_channel"),
    ]

    operations = [
        migrations.AddField(
            model_name="mirroredtable",
            name="classes",
            field=models.JSONField(default=dict, help_text="{class: its rows}, so that nobody counts them for a page."),
        ),
        # The model is named for the router, which tells by it that the faces are meant.
        migrations.RunPython(count_classes, migrations.RunPython.noop, hints={"model_name": "mirroredtable"}),
    ]
