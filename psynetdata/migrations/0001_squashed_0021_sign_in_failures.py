"""What 0001 to 0021 make, at once: a new desk needs a third of the time. A desk that has them continues with them."""

from importlib import import_module

import django.db.models.deletion
import psynetdata.models.deployment
from django.conf import settings
from django.db import migrations, models


make_permissions = import_module("psynetdata.migrations.0002_groups").make_permissions

VIEWER = [
    "view_asset", "view_deployment", "view_job", "view_network", "view_node", "view_participant", "view_record",
    "view_response", "view_savedsheet", "view_trial",
]  # fmt: skip
ANALYST = [*VIEWER, "add_apitoken", "view_apitoken", "add_sheetlink", "view_sheetlink"]
DATA_OFFICER = [
    *ANALYST, "view_audit", "view_identified", "decide_policy", "hold_keys", "add_savedsheet", "change_savedsheet",
    "delete_savedsheet",
]  # fmt: skip


def grant(apps, schema_editor, label, groups):
    """Give each group the rights named for it, and the group "admin" all rights of the app."""
    alias = schema_editor.connection.alias
    if alias != "default":
        return  # the faces of the mirror hold no accounts
    make_permissions(apps, label, alias)
    Group = apps.get_model("auth", "Group")
    ours = apps.get_model("auth", "Permission").objects.using(alias).filter(content_type__app_label=label)
    for name, codenames in groups.items():
        group, _ = Group.objects.using(alias).get_or_create(name=name)
        group.permissions.add(*ours.filter(codename__in=codenames))
    Group.objects.using(alias).get_or_create(name="admin")[0].permissions.add(*ours)


def make_groups(apps, schema_editor):
    grant(apps, schema_editor, "psynetdata", {"viewer": VIEWER, "analyst": ANALYST, "data officer": DATA_OFFICER})
    alias = schema_editor.connection.alias
    if alias == "default":
        make_permissions(apps, "auth", alias)
        people = apps.get_model("auth", "Permission").objects.using(alias)
        people = people.filter(content_type__app_label="auth", content_type__model__in=("user", "group"))
        apps.get_model("auth", "Group").objects.using(alias).get(name="admin").permissions.add(*people)


class Migration(migrations.Migration):
    initial = True

    replaces = [
        ("psynetdata", "0001_initial"),
        ("psynetdata", "0002_groups"),
        ("psynetdata", "0003_watching"),
        ("psynetdata", "0004_known_identifiers"),
        ("psynetdata", "0005_decisions"),
        ("psynetdata", "0006_officers"),
        ("psynetdata", "0007_asset_places"),
        ("psynetdata", "0008_sheets"),
        ("psynetdata", "0009_sheet_groups"),
        ("psynetdata", "0010_tokens_deployments"),
        ("psynetdata", "0011_withhold_undecided"),
        ("psynetdata", "0012_experiment_secret"),
        ("psynetdata", "0013_source_key"),
        ("psynetdata", "0014_deployment_people"),
        ("psynetdata", "0015_experimenter"),
        ("psynetdata", "0016_slack_channel"),
        ("psynetdata", "0017_classes_counted"),
        ("psynetdata", "0018_job_counts"),
        ("psynetdata", "0019_kinds_without_migrations"),
        ("psynetdata", "0020_key_fingerprint"),
        ("psynetdata", "0021_sign_in_failures"),
    ]

    dependencies = [
        ("auth", "0012_alter_user_first_name_max_length"),
        ("contenttypes", "0002_remove_content_type_name"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="Asset",
            fields=[
                ("key", models.BigIntegerField(editable=False, primary_key=True, serialize=False)),
                ("deployment_number", models.IntegerField(db_index=True)),
                ("class_name", models.TextField(verbose_name="class")),
                ("rest", models.TextField(default="{}", editable=False)),
                ("id", models.BigIntegerField(db_index=True)),
                ("creation_time", models.DateTimeField(db_index=True, null=True)),
                ("type", models.TextField(null=True)),
                ("module_id", models.TextField(null=True)),
                ("local_key", models.TextField(null=True)),
                ("key_within_module", models.TextField(null=True)),
                ("key_within_experiment", models.TextField(null=True)),
                ("export_path", models.TextField(null=True)),
                ("description", models.TextField(null=True)),
                ("personal", models.BooleanField(null=True)),
                ("deposited", models.BooleanField(null=True)),
                ("is_folder", models.BooleanField(null=True)),
                ("data_type", models.TextField(null=True)),
                ("extension", models.TextField(null=True)),
                ("participant_id", models.BigIntegerField(db_index=True, null=True)),
                ("trial_id", models.BigIntegerField(db_index=True, null=True)),
                ("node_id", models.BigIntegerField(null=True)),
                ("network_id", models.BigIntegerField(null=True)),
                ("module_state_id", models.BigIntegerField(null=True)),
                ("parent", models.TextField(null=True)),
                ("host_path", models.TextField(null=True)),
                ("url", models.TextField(null=True)),
                ("content_id", models.TextField(null=True)),
                ("md5_contents", models.TextField(null=True)),
                ("size_mb", models.FloatField(null=True)),
                ("vars", models.TextField(null=True)),
            ],
            options={
                "ordering": ("key",),
                "abstract": False,
            },
        ),
        migrations.CreateModel(
            name="Beat",
            fields=[
                ("cluster", models.CharField(max_length=10, primary_key=True, serialize=False)),
                ("asked_at", models.DateTimeField(null=True)),
                ("at", models.DateTimeField()),
            ],
        ),
        migrations.CreateModel(
            name="KeyFingerprint",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("fingerprint", models.CharField(editable=False, max_length=64)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
            ],
            options={
                "default_permissions": (),
            },
        ),
        migrations.CreateModel(
            name="Network",
            fields=[
                ("key", models.BigIntegerField(editable=False, primary_key=True, serialize=False)),
                ("deployment_number", models.IntegerField(db_index=True)),
                ("class_name", models.TextField(verbose_name="class")),
                ("rest", models.TextField(default="{}", editable=False)),
                ("id", models.BigIntegerField(db_index=True)),
                ("creation_time", models.DateTimeField(db_index=True, null=True)),
                ("type", models.TextField(null=True)),
                ("failed", models.BooleanField(null=True)),
                ("failed_reason", models.TextField(null=True)),
                ("time_of_death", models.DateTimeField(null=True)),
                ("trial_maker_id", models.TextField(null=True)),
                ("module_id", models.TextField(null=True)),
                ("participant_id", models.BigIntegerField(null=True)),
                ("participant_group", models.TextField(null=True)),
                ("chain_type", models.TextField(null=True)),
                ("head_id", models.BigIntegerField(null=True)),
                ("target_n_trials", models.BigIntegerField(null=True)),
                ("trials_per_node", models.BigIntegerField(null=True)),
                ("max_size", models.BigIntegerField(null=True)),
                ("full", models.BooleanField(null=True)),
                ("role", models.TextField(null=True)),
                ("definition", models.TextField(null=True)),
                ("context", models.TextField(null=True)),
                ("block", models.TextField(null=True)),
                ("vars", models.TextField(null=True)),
            ],
            options={
                "ordering": ("key",),
                "abstract": False,
            },
        ),
        migrations.CreateModel(
            name="Node",
            fields=[
                ("key", models.BigIntegerField(editable=False, primary_key=True, serialize=False)),
                ("deployment_number", models.IntegerField(db_index=True)),
                ("class_name", models.TextField(verbose_name="class")),
                ("rest", models.TextField(default="{}", editable=False)),
                ("id", models.BigIntegerField(db_index=True)),
                ("creation_time", models.DateTimeField(db_index=True, null=True)),
                ("type", models.TextField(null=True)),
                ("failed", models.BooleanField(null=True)),
                ("failed_reason", models.TextField(null=True)),
                ("time_of_death", models.DateTimeField(null=True)),
                ("network_id", models.BigIntegerField(db_index=True, null=True)),
                ("participant_id", models.BigIntegerField(db_index=True, null=True)),
                ("module_state_id", models.BigIntegerField(null=True)),
                ("trial_maker_id", models.TextField(null=True)),
                ("module_id", models.TextField(null=True)),
                ("degree", models.BigIntegerField(null=True)),
                ("target_n_trials", models.BigIntegerField(null=True)),
                ("parent_id", models.BigIntegerField(null=True)),
                ("child_id", models.BigIntegerField(null=True)),
                ("seed", models.TextField(null=True)),
                ("definition", models.TextField(null=True)),
                ("context", models.TextField(null=True)),
                ("participant_group", models.TextField(null=True)),
                ("block", models.TextField(null=True)),
                ("vars", models.TextField(null=True)),
            ],
            options={
                "ordering": ("key",),
                "abstract": False,
            },
        ),
        migrations.CreateModel(
            name="Participant",
            fields=[
                ("key", models.BigIntegerField(editable=False, primary_key=True, serialize=False)),
                ("deployment_number", models.IntegerField(db_index=True)),
                ("class_name", models.TextField(verbose_name="class")),
                ("rest", models.TextField(default="{}", editable=False)),
                ("id", models.BigIntegerField(db_index=True)),
                ("creation_time", models.DateTimeField(db_index=True, null=True)),
                ("type", models.TextField(null=True)),
                ("failed", models.BooleanField(null=True)),
                ("failed_reason", models.TextField(null=True)),
                ("time_of_death", models.DateTimeField(null=True)),
                ("worker_id", models.TextField(null=True)),
                ("assignment_id", models.TextField(null=True)),
                ("unique_id", models.TextField(null=True)),
                ("hit_id", models.TextField(null=True)),
                ("recruiter_id", models.TextField(null=True)),
                ("mode", models.TextField(null=True)),
                ("status", models.TextField(null=True)),
                ("end_time", models.DateTimeField(null=True)),
                ("progress", models.FloatField(null=True)),
                ("complete", models.BooleanField(null=True)),
                ("aborted", models.BooleanField(null=True)),
                ("time_credit", models.FloatField(null=True)),
                ("base_payment", models.FloatField(null=True)),
                ("performance_reward", models.FloatField(null=True)),
                ("bonus", models.FloatField(null=True)),
                ("answer", models.TextField(null=True)),
                ("client_ip_address", models.TextField(null=True)),
                ("module_state_id", models.BigIntegerField(null=True)),
                ("current_trial_id", models.BigIntegerField(null=True)),
                ("vars", models.TextField(null=True)),
            ],
            options={
                "ordering": ("key",),
                "abstract": False,
            },
        ),
        migrations.CreateModel(
            name="Response",
            fields=[
                ("key", models.BigIntegerField(editable=False, primary_key=True, serialize=False)),
                ("deployment_number", models.IntegerField(db_index=True)),
                ("class_name", models.TextField(verbose_name="class")),
                ("rest", models.TextField(default="{}", editable=False)),
                ("id", models.BigIntegerField(db_index=True)),
                ("creation_time", models.DateTimeField(db_index=True, null=True)),
                ("type", models.TextField(null=True)),
                ("failed", models.BooleanField(null=True)),
                ("failed_reason", models.TextField(null=True)),
                ("time_of_death", models.DateTimeField(null=True)),
                ("participant_id", models.BigIntegerField(db_index=True, null=True)),
                ("question", models.TextField(null=True)),
                ("answer", models.TextField(null=True)),
                ("page_type", models.TextField(null=True)),
                ("successful_validation", models.BooleanField(null=True)),
                ("client_ip_address", models.TextField(null=True)),
                ("vars", models.TextField(null=True)),
            ],
            options={
                "ordering": ("key",),
                "abstract": False,
            },
        ),
        migrations.CreateModel(
            name="Secret",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("name", models.CharField(max_length=100, unique=True)),
                ("sealed", models.TextField(editable=False)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
            ],
        ),
        migrations.CreateModel(
            name="SignInFailures",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "subject",
                    models.CharField(
                        help_text="A keyed hash; what was typed may be a password.", max_length=64, unique=True
                    ),
                ),
                ("count", models.PositiveIntegerField(default=0)),
                ("last_at", models.DateTimeField(db_index=True)),
            ],
            options={
                "default_permissions": (),
            },
        ),
        migrations.CreateModel(
            name="Trial",
            fields=[
                ("key", models.BigIntegerField(editable=False, primary_key=True, serialize=False)),
                ("deployment_number", models.IntegerField(db_index=True)),
                ("class_name", models.TextField(verbose_name="class")),
                ("rest", models.TextField(default="{}", editable=False)),
                ("id", models.BigIntegerField(db_index=True)),
                ("creation_time", models.DateTimeField(db_index=True, null=True)),
                ("type", models.TextField(null=True)),
                ("failed", models.BooleanField(null=True)),
                ("failed_reason", models.TextField(null=True)),
                ("time_of_death", models.DateTimeField(null=True)),
                ("participant_id", models.BigIntegerField(db_index=True, null=True)),
                ("node_id", models.BigIntegerField(db_index=True, null=True)),
                ("network_id", models.BigIntegerField(db_index=True, null=True)),
                ("module_state_id", models.BigIntegerField(null=True)),
                ("parent_trial_id", models.BigIntegerField(null=True)),
                ("response_id", models.BigIntegerField(null=True)),
                ("trial_maker_id", models.TextField(null=True)),
                ("block", models.TextField(null=True)),
                ("block_position", models.BigIntegerField(null=True)),
                ("definition", models.TextField(null=True)),
                ("answer", models.TextField(null=True)),
                ("score", models.FloatField(null=True)),
                ("performance_reward", models.FloatField(null=True)),
                ("time_taken", models.FloatField(null=True)),
                ("complete", models.BooleanField(null=True)),
                ("finalized", models.BooleanField(null=True)),
                ("is_repeat_trial", models.BooleanField(null=True)),
                ("repeat_trial_index", models.BigIntegerField(null=True)),
                ("n_repeat_trials", models.BigIntegerField(null=True)),
                ("vars", models.TextField(null=True)),
            ],
            options={
                "ordering": ("key",),
                "abstract": False,
            },
        ),
        migrations.CreateModel(
            name="ApiToken",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("name", models.CharField(default="token", max_length=100)),
                ("digest", models.CharField(editable=False, max_length=64, unique=True)),
                (
                    "identified",
                    models.BooleanField(default=False, help_text="May read the identified face, if its owner may."),
                ),
                (
                    "deployments",
                    models.JSONField(blank=True, default=list, help_text="Numbers of deployments; empty: every one."),
                ),
                ("sheets", models.JSONField(blank=True, default=list, help_text="Names of sheets; empty: everything.")),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("expires_at", models.DateTimeField(blank=True, null=True)),
                ("last_used_at", models.DateTimeField(blank=True, null=True)),
                ("revoked", models.BooleanField(default=False)),
                (
                    "user",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="api_tokens",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "verbose_name": "API token",
                "ordering": ("-id",),
            },
        ),
        migrations.CreateModel(
            name="Deployment",
            fields=[
                ("number", models.AutoField(primary_key=True, serialize=False)),
                ("deployment_id", models.CharField(max_length=300, unique=True, verbose_name="deployment id")),
                ("label", models.CharField(blank=True, max_length=300)),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("running", "Running"),
                            ("paused", "Paused"),
                            ("finished", "Finished"),
                            ("archived", "Archived"),
                        ],
                        default="running",
                        max_length=20,
                    ),
                ),
                (
                    "source",
                    models.CharField(
                        choices=psynetdata.models.deployment.source_choices, default="upload", max_length=20
                    ),
                ),
                ("source_url", models.CharField(blank=True, help_text="Never with a password.", max_length=500)),
                (
                    "source_secret",
                    models.CharField(
                        blank=True,
                        editable=False,
                        help_text="Names the password; see psynetdata.credentials.",
                        max_length=200,
                    ),
                ),
                (
                    "source_key",
                    models.CharField(
                        blank=True,
                        editable=False,
                        help_text="Names the private key that opens an SSH server.",
                        max_length=500,
                    ),
                ),
                (
                    "every",
                    models.PositiveIntegerField(
                        blank=True,
                        help_text="Seconds between snapshots, 60 or more; empty: only when asked for.",
                        null=True,
                    ),
                ),
                (
                    "due_at",
                    models.DateTimeField(
                        blank=True, editable=False, help_text="When the next snapshot is due.", null=True
                    ),
                ),
                (
                    "keep_all_hours",
                    models.PositiveIntegerField(default=24, help_text="Hours for which every snapshot is kept."),
                ),
                (
                    "keep_hourly_days",
                    models.PositiveIntegerField(default=7, help_text="Days for which one an hour is kept."),
                ),
                (
                    "keep_daily_days",
                    models.PositiveIntegerField(default=90, help_text="Days for which one a day is kept."),
                ),
                (
                    "assets_url",
                    models.CharField(
                        blank=True,
                        help_text="Where the asset files live, as a URL.",
                        max_length=500,
                        verbose_name="assets",
                    ),
                ),
                (
                    "assets_secret",
                    models.CharField(
                        blank=True,
                        editable=False,
                        help_text="Names what opens that place; see psynetdata.credentials.",
                        max_length=200,
                    ),
                ),
                (
                    "assets_known_hosts",
                    models.TextField(
                        blank=True,
                        help_text="Keys of the SSH servers of its source and assets, as lines of known_hosts.",
                        verbose_name="known hosts",
                    ),
                ),
                (
                    "assets_hosts",
                    models.CharField(
                        blank=True,
                        help_text="Hosts that external assets may name.",
                        max_length=1000,
                        verbose_name="hosts of external assets",
                    ),
                ),
                (
                    "assets_every",
                    models.PositiveIntegerField(
                        blank=True,
                        help_text="Minutes between fetches of asset files while it runs; empty: at exports only.",
                        null=True,
                    ),
                ),
                (
                    "experiment_url",
                    models.CharField(
                        blank=True,
                        help_text="The experiment's own address; asked for on-demand assets.",
                        max_length=500,
                        verbose_name="experiment",
                    ),
                ),
                (
                    "experiment_secret",
                    models.CharField(
                        blank=True,
                        editable=False,
                        help_text="Names its user:password; see psynetdata.credentials.",
                        max_length=200,
                    ),
                ),
                ("clock_offset", models.IntegerField(blank=True, help_text="Minutes ahead of UTC.", null=True)),
                ("psynet_version", models.CharField(blank=True, max_length=50, verbose_name="PsyNet version")),
                ("dallinger_version", models.CharField(blank=True, max_length=50, verbose_name="Dallinger version")),
                ("python_version", models.CharField(blank=True, max_length=50, verbose_name="Python version")),
                (
                    "withhold_undecided",
                    models.BooleanField(
                        default=False,
                        editable=False,
                        help_text="What nobody decided about leaves in no anonymized export.",
                    ),
                ),
                (
                    "restricted",
                    models.BooleanField(default=False, editable=False, help_text="Only the people named may see it."),
                ),
                (
                    "slack_channel",
                    models.CharField(
                        blank=True,
                        editable=False,
                        help_text="Its own; empty: that of all deployments.",
                        max_length=80,
                        verbose_name="Slack channel",
                    ),
                ),
                (
                    "experimenter",
                    models.CharField(
                        blank=True,
                        editable=False,
                        help_text="As the experiment's configuration names them.",
                        max_length=200,
                    ),
                ),
                ("sealed_key", models.TextField(blank=True, editable=False)),
                ("key_exported_at", models.DateTimeField(blank=True, editable=False, null=True)),
                ("key_destroyed_at", models.DateTimeField(blank=True, editable=False, null=True)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                (
                    "continues",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="continued_by",
                        to="psynetdata.deployment",
                    ),
                ),
                (
                    "people",
                    models.ManyToManyField(blank=True, editable=False, related_name="+", to=settings.AUTH_USER_MODEL),
                ),
            ],
            options={
                "ordering": ("-number",),
                "permissions": (
                    ("view_identified", "Can see identified data (real worker ids, addresses, recordings)"),
                    ("decide_policy", "Can decide what leaves in anonymized exports"),
                    ("hold_keys", "Can export and destroy pseudonym keys"),
                ),
            },
        ),
        migrations.CreateModel(
            name="Audit",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("at", models.DateTimeField(auto_now_add=True, db_index=True)),
                ("username", models.CharField(blank=True, help_text="Kept when the account is gone.", max_length=150)),
                ("verb", models.CharField(max_length=40)),
                ("target", models.CharField(blank=True, max_length=200)),
                ("identified", models.BooleanField(default=False, help_text="Whether identified data was involved.")),
                ("details", models.JSONField(default=dict)),
                (
                    "user",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "deployment",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to="psynetdata.deployment",
                    ),
                ),
            ],
            options={
                "verbose_name_plural": "audit log",
                "ordering": ("-id",),
            },
        ),
        migrations.CreateModel(
            name="IdentifierPart",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("deployment_number", models.IntegerField()),
                ("name", models.CharField(help_text="A hash of rows, table, columns, policy and code.", max_length=64)),
                ("data", models.BinaryField()),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(fields=("deployment_number", "name"), name="one_part_of_a_name")
                ],
            },
        ),
        migrations.CreateModel(
            name="KnownIdentifiers",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("deployment_number", models.IntegerField()),
                ("digest", models.CharField(max_length=64)),
                (
                    "inputs",
                    models.CharField(help_text="A hash of all tables' contents, policy and code.", max_length=64),
                ),
                ("data", models.BinaryField()),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        fields=("deployment_number", "digest"), name="identifiers_known_once_a_digest"
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="MirroredTable",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("deployment_number", models.IntegerField()),
                ("table", models.TextField()),
                ("state", models.TextField(help_text="Names the source table's state, opaque to the mirror.")),
                (
                    "transform",
                    models.TextField(help_text="Names what was done to the rows: clock, policy, key, identifiers."),
                ),
                ("columns", models.JSONField(help_text="[[name, type, not null], …] in the source's order.")),
                (
                    "withheld",
                    models.JSONField(default=list, help_text="Columns that this face withholds in every row."),
                ),
                ("rows", models.BigIntegerField()),
                (
                    "classes",
                    models.JSONField(
                        default=dict, help_text="{class: its rows}, so that nobody counts them for a page."
                    ),
                ),
                ("refreshed_at", models.DateTimeField(auto_now=True)),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(fields=("deployment_number", "table"), name="one_state_per_mirrored_table")
                ],
            },
        ),
        migrations.CreateModel(
            name="Record",
            fields=[
                ("deployment_number", models.IntegerField(db_index=True)),
                ("class_name", models.TextField(verbose_name="class")),
                ("rest", models.TextField(default="{}", editable=False)),
                ("key", models.BigAutoField(primary_key=True, serialize=False)),
                ("table", models.TextField()),
                ("id", models.TextField(null=True)),
                ("creation_time", models.DateTimeField(null=True)),
                ("type", models.TextField(null=True)),
                ("participant_id", models.BigIntegerField(null=True)),
                ("identity", models.TextField(editable=False)),
            ],
            options={
                "ordering": ("key",),
                "indexes": [models.Index(fields=["deployment_number", "table", "identity"], name="record_by_identity")],
            },
        ),
        migrations.CreateModel(
            name="SheetLink",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("sheet", models.CharField(max_length=200)),
                (
                    "identified",
                    models.BooleanField(
                        default=False, help_text="Shows the identified face, while its maker may see it."
                    ),
                ),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("expires_at", models.DateTimeField()),
                ("last_used_at", models.DateTimeField(blank=True, editable=False, null=True)),
                ("revoked", models.BooleanField(default=False)),
                (
                    "deployment",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="+", to="psynetdata.deployment"
                    ),
                ),
                (
                    "user",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="sheet_links",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "ordering": ("-id",),
            },
        ),
        migrations.CreateModel(
            name="Decision",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("table", models.CharField(max_length=100)),
                ("column", models.CharField(max_length=100)),
                (
                    "selector",
                    models.CharField(
                        blank=True, help_text="A question, a class and key; empty: all of it.", max_length=500
                    ),
                ),
                ("shared", models.CharField(help_text="What happens in exports for a named colleague.", max_length=20)),
                ("open", models.CharField(help_text="What happens in exports for a repository.", max_length=20)),
                ("kind", models.CharField(help_text="What stands there.", max_length=40)),
                ("reason", models.CharField(max_length=300)),
                ("decided_at", models.DateTimeField(auto_now=True)),
                (
                    "decided_by",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "deployment",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="decisions",
                        to="psynetdata.deployment",
                    ),
                ),
            ],
            options={
                "ordering": ("table", "column", "selector"),
                "constraints": [
                    models.UniqueConstraint(fields=("deployment", "table", "column", "selector"), name="decided_once")
                ],
            },
        ),
        migrations.CreateModel(
            name="Job",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("kind", models.CharField(max_length=40)),
                ("cluster", models.CharField(default="slow", max_length=10)),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("queued", "Queued"),
                            ("running", "Running"),
                            ("done", "Done"),
                            ("failed", "Failed"),
                            ("cancelled", "Cancelled"),
                        ],
                        db_index=True,
                        default="queued",
                        max_length=20,
                    ),
                ),
                ("options", models.JSONField(default=dict, help_text="Ids and switches; never a secret.")),
                ("phase", models.CharField(blank=True, max_length=80)),
                ("done", models.BigIntegerField(default=0)),
                ("total", models.BigIntegerField(blank=True, null=True)),
                (
                    "counts",
                    models.JSONField(
                        help_text="{what: [done, of how many]} of the phase; null: done and total say.", null=True
                    ),
                ),
                ("attempts", models.PositiveIntegerField(default=0)),
                ("max_attempts", models.PositiveIntegerField(default=3)),
                ("run_token", models.CharField(blank=True, editable=False, max_length=32)),
                ("cancel_requested", models.BooleanField(default=False)),
                ("reason", models.TextField(blank=True, help_text="Why it failed, in a sentence.")),
                ("result", models.JSONField(default=dict)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("started_at", models.DateTimeField(blank=True, null=True)),
                ("heartbeat_at", models.DateTimeField(blank=True, null=True)),
                ("finished_at", models.DateTimeField(blank=True, null=True)),
                (
                    "deployment",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="jobs",
                        to="psynetdata.deployment",
                    ),
                ),
                (
                    "owner",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="jobs",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "ordering": ("-id",),
                "indexes": [models.Index(fields=["deployment", "kind"], name="jobs_of_deployment")],
            },
        ),
        migrations.CreateModel(
            name="Numbered",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("pseudonym", models.CharField(max_length=50)),
                ("name", models.CharField(max_length=20)),
                ("number", models.PositiveIntegerField()),
                (
                    "deployment",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="+", to="psynetdata.deployment"
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(fields=("deployment", "pseudonym"), name="numbered_once"),
                    models.UniqueConstraint(fields=("deployment", "name", "number"), name="one_value_a_number"),
                ],
            },
        ),
        migrations.CreateModel(
            name="SavedSheet",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("name", models.CharField(max_length=60)),
                (
                    "base",
                    models.CharField(
                        help_text="A sheet: trial, participant, a class, a table.",
                        max_length=200,
                        verbose_name="rows of",
                    ),
                ),
                ("columns", models.JSONField(help_text="[[name, column or path like definition.colour.0], …]")),
                (
                    "filters",
                    models.JSONField(blank=True, default=dict, help_text="{parameter: [values]}, as at the API."),
                ),
                ("order", models.JSONField(blank=True, default=list, help_text="[column, …], with a - for backwards.")),
                ("changed_at", models.DateTimeField(auto_now=True)),
                (
                    "deployment",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="saved_sheets",
                        to="psynetdata.deployment",
                    ),
                ),
                (
                    "made_by",
                    models.ForeignKey(
                        editable=False,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "ordering": ("deployment", "name"),
                "constraints": [
                    models.UniqueConstraint(fields=("deployment", "name"), name="one_saved_sheet_of_a_name")
                ],
            },
        ),
        migrations.RunPython(make_groups, migrations.RunPython.noop, elidable=False),
    ]
