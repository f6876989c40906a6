"""The four groups of people, with this app's permissions; exports.0002_groups adds those of exports."""

from django.contrib.auth.management import create_permissions
from django.db import migrations

DATA = ("deployment", "participant", "trial", "asset", "node", "network", "response", "record", "job")
VIEWER = [f"view_{model}" for model in DATA]
ANALYST = [*VIEWER, "add_apitoken", "view_apitoken"]
DATA_OFFICER = [*ANALYST, "view_identified", "view_audit"]
GROUPS = {"viewer": VIEWER, "analyst": ANALYST, "data officer": DATA_OFFICER}


def make_groups(apps, schema_editor):
    """Adds what is missing and takes nothing away, so it may run again."""
    alias = schema_editor.connection.alias
    if alias != "default":
        return  # the faces of the mirror hold no accounts
    for label in ("psynetdata", "auth"):
        make_permissions(apps, label, alias)
    Group = apps.get_model("auth", "Group")
    permissions = apps.get_model("auth", "Permission").objects.using(alias)
    ours = permissions.filter(content_type__app_label="psynetdata")
    for name, codenames in GROUPS.items():
        group, _ = Group.objects.using(alias).get_or_create(name=name)
        group.permissions.add(*ours.filter(codename__in=codenames))
    group, _ = Group.objects.using(alias).get_or_create(name="admin")
    people = permissions.filter(content_type__app_label="auth", content_type__model__in=("user", "group"))
    group.permissions.add(*ours, *people)


def make_permissions(apps, label, alias):
    """Django makes them after the last migration; they are needed now."""
    config = apps.get_app_config(label)
    before = getattr(config, "models_module", None)
    config.models_module = before or True
    try:
        create_permissions(config, verbosity=0, using=alias, apps=apps)
    finally:
        config.models_module = before


class Migration(migrations.Migration):
    dependencies = [
        ("psynetdata", "0001_initial"),
        ("auth", "0012_alter_user_first_name_max_length"),
        ("contenttypes", "0002_remove_content_type_name"),
    ]

    operations = [migrations.RunPython(make_groups, migrations.RunPython.noop, elidable=False)]
