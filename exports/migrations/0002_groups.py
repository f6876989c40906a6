"""The permissions of exports for the four groups that psynetdata.0002_groups makes."""

from importlib import import_module

from django.db import migrations

make_permissions = import_module("psynetdata.migrations.0002_groups").make_permissions

VIEWER = ["view_snapshot", "view_export", "view_exportarchive"]
ANALYST = [*VIEWER, "export_anonymous"]
DATA_OFFICER = [*ANALYST, "export_regular"]
GROUPS = {"viewer": VIEWER, "analyst": ANALYST, "data officer": DATA_OFFICER}


def add_permissions(apps, schema_editor):
    """Adds what is missing and takes nothing away, so it may run again."""
    alias = schema_editor.connection.alias
    if alias != "default":
        return
    make_permissions(apps, "exports", alias)
    groups = apps.get_model("auth", "Group").objects.using(alias)
    ours = apps.get_model("auth", "Permission").objects.using(alias).filter(content_type__app_label="exports")
    for name, codenames in GROUPS.items():
        groups.get_or_create(name=name)[0].permissions.add(*ours.filter(codename__in=codenames))
    groups.get_or_create(name="admin")[0].permissions.add(*ours)


class Migration(migrations.Migration):
    dependencies = [("exports", "0001_initial"), ("psynetdata", "0002_groups")]

    operations = [migrations.RunPython(add_permissions, migrations.RunPython.noop, elidable=False)]
