"""Who withdraws participants: data officers and admins."""

from importlib import import_module

from django.db import migrations

make_permissions = import_module("psynetdata.migrations.0002_groups").make_permissions

GROUPS = ("data officer", "admin")


def add_permissions(apps, schema_editor):
    """Adds what is missing and takes nothing away, so it may run again."""
    alias = schema_editor.connection.alias
    if alias != "default":
        return
    make_permissions(apps, "exports", alias)
    permissions = apps.get_model("auth", "Permission").objects.using(alias)
    ours = permissions.filter(content_type__app_label="exports", content_type__model="withdrawal")
    for name in GROUPS:
        apps.get_model("auth", "Group").objects.using(alias).get_or_create(name=name)[0].permissions.add(*ours)


class Migration(migrations.Migration):
    dependencies = [("exports", "0013_withdrawals"), ("psynetdata", "0006_officers")]

    operations = [migrations.RunPython(add_permissions, migrations.RunPython.noop, elidable=False)]
