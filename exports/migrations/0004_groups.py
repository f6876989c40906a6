"""Who may see incidents: everyone who may see snapshots."""

from importlib import import_module

from django.db import migrations

make_permissions = import_module("psynetdata.migrations.0002_groups").make_permissions

GROUPS = ("viewer", "analyst", "data officer")


def add_permissions(apps, schema_editor):
    """Adds what is missing and takes nothing away, so it may run again."""
    alias = schema_editor.connection.alias
    if alias != "default":
        return
    make_permissions(apps, "exports", alias)
    groups = apps.get_model("auth", "Group").objects.using(alias)
    ours = apps.get_model("auth", "Permission").objects.using(alias).filter(
        content_type__app_label="exports", content_type__model="incident"
    )
    for name in GROUPS:
        groups.get_or_create(name=name)[0].permissions.add(*ours.filter(codename="view_incident"))
    groups.get_or_create(name="admin")[0].permissions.add(*ours)


class Migration(migrations.Migration):
    dependencies = [("exports", "0003_watching"), ("psynetdata", "0003_watching")]

    operations = [migrations.RunPython(add_permissions, migrations.RunPython.noop, elidable=False)]
