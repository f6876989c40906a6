"""The group "admin" has every right of both apps; models that came after the group had none there."""

from importlib import import_module

from django.db import migrations

make_permissions = import_module("psynetdata.migrations.0002_groups").make_permissions
APPS = ("psynetdata", "exports")


def add_permissions(apps, schema_editor):
    """Adds what is missing and takes nothing away, so it may run again."""
    alias = schema_editor.connection.alias
    if alias != "default":
        return
    for label in APPS:
        make_permissions(apps, label, alias)
    permissions = apps.get_model("auth", "Permission").objects.using(alias)
    group, _ = apps.get_model("auth", "Group").objects.using(alias).get_or_create(name="admin")
    group.permissions.add(*permissions.filter(content_type__app_label__in=APPS))


class Migration(migrations.Migration):
    dependencies = [("psynetdata", "0018_job_counts"), ("exports", "0014_officers")]

    operations = [migrations.RunPython(add_permissions, migrations.RunPython.noop, elidable=False)]
