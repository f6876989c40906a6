"""Who may make links to sheets: who may make tokens. Who may put sheets together: data officers and admins."""

from importlib import import_module

from django.db import migrations

make_permissions = import_module("psynetdata.migrations.0002_groups").make_permissions

LINKS = ["add_sheetlink", "view_sheetlink"]
SHEETS = [f"{verb}_savedsheet" for verb in ("view", "add", "change", "delete")]
GROUPS = {
    "viewer": ["view_savedsheet"],
    "analyst": ["view_savedsheet", *LINKS],
    "data officer": [*SHEETS, *LINKS],
    "admin": [*SHEETS, *LINKS],
}


def add_permissions(apps, schema_editor):
    """Adds what is missing and takes nothing away, so it may run again."""
    alias = schema_editor.connection.alias
    if alias != "default":
        return
    make_permissions(apps, "psynetdata", alias)
    permissions = apps.get_model("auth", "Permission").objects.using(alias)
    ours = permissions.filter(content_type__app_label="psynetdata")
    for name, codenames in GROUPS.items():
        group, _ = apps.get_model("auth", "Group").objects.using(alias).get_or_create(name=name)
        group.permissions.add(*ours.filter(codename__in=codenames))


class Migration(migrations.Migration):
    dependencies = [("psynetdata", "0008_sheets")]

    operations = [migrations.RunPython(add_permissions, migrations.RunPython.noop, elidable=False)]
