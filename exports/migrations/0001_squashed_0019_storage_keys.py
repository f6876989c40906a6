"""What 0001 to 0019 make, at once; see the one of psynetdata."""

from importlib import import_module

import django.db.models.deletion
import django.utils.timezone
import exports.models.incident
import exports.models.installation
from django.conf import settings
from django.db import migrations, models


grant = import_module("psynetdata.migrations.0001_squashed_0021_sign_in_failures").grant

VIEWER = ["view_snapshot", "view_export", "view_exportarchive", "view_incident"]
ANALYST = [*VIEWER, "export_anonymous"]
DATA_OFFICER = [*ANALYST, "export_regular", "view_withdrawal", "withdraw"]


def add_permissions(apps, schema_editor):
    grant(apps, schema_editor, "exports", {"viewer": VIEWER, "analyst": ANALYST, "data officer": DATA_OFFICER})


class Migration(migrations.Migration):
    initial = True

    replaces = [
        ("exports", "0001_initial"),
        ("exports", "0002_groups"),
        ("exports", "0003_watching"),
        ("exports", "0004_groups"),
        ("exports", "0005_stored_assets"),
        ("exports", "0006_source_code"),
        ("exports", "0007_summaries"),
        ("exports", "0008_notes"),
        ("exports", "0009_server_logs"),
        ("exports", "0010_schedules"),
        ("exports", "0011_notices_of_exports"),
        ("exports", "0012_tally_names"),
        ("exports", "0013_withdrawals"),
        ("exports", "0014_officers"),
        ("exports", "0015_admin_rights"),
        ("exports", "0016_kinds_without_migrations"),
        ("exports", "0017_installation_and_quarantine"),
        ("exports", "0018_backups"),
        ("exports", "0019_storage_keys"),
    ]

    dependencies = [
        ("psynetdata", "0001_squashed_0021_sign_in_failures"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="DeploymentManifest",
            fields=[
                (
                    "deployment",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="manifest",
                        serialize=False,
                        to="psynetdata.deployment",
                    ),
                ),
                ("name", models.CharField(help_text="A file of the storage.", max_length=200)),
                ("sha256", models.CharField(help_text="Of its content.", max_length=64)),
                (
                    "assets_name",
                    models.CharField(blank=True, help_text="The file that lists its stored assets.", max_length=200),
                ),
                ("assets_stamp", models.CharField(blank=True, help_text="Changes with the list.", max_length=100)),
            ],
            options={
                "default_permissions": (),
            },
        ),
        migrations.CreateModel(
            name="Installation",
            fields=[
                (
                    "number",
                    models.PositiveSmallIntegerField(default=1, editable=False, primary_key=True, serialize=False),
                ),
                (
                    "installation_id",
                    models.CharField(default=exports.models.installation.new_installation_id, max_length=32),
                ),
                (
                    "created_at",
                    models.DateTimeField(
                        default=django.utils.timezone.now,
                        help_text="Since when this database knows the files of the storage.",
                    ),
                ),
                (
                    "in_storage",
                    models.BooleanField(default=False, help_text="Whether the id was written into the storage."),
                ),
                (
                    "prunes",
                    models.PositiveBigIntegerField(
                        default=0,
                        help_text="Prunes so far. A storage that counts more belongs to a newer copy of this database.",
                    ),
                ),
                ("pruned_at", models.DateTimeField(blank=True, null=True)),
                (
                    "backup_place",
                    models.CharField(blank=True, help_text="A folder or a URL without a password.", max_length=500),
                ),
                (
                    "backup_every_hours",
                    models.PositiveIntegerField(blank=True, help_text="Empty: only when asked for.", null=True),
                ),
                (
                    "sheet_confirmed_at",
                    models.DateTimeField(
                        blank=True, help_text="When somebody confirmed that the recovery sheet is on paper.", null=True
                    ),
                ),
                (
                    "storage_keys",
                    models.JSONField(
                        blank=True,
                        default=list,
                        help_text="Ids of the keys that files of the storage may be encrypted with.",
                    ),
                ),
                (
                    "sealed",
                    models.BooleanField(
                        default=False,
                        help_text="Whether all files are encrypted, so that one that is not was not written here.",
                    ),
                ),
                (
                    "started_at",
                    models.DateTimeField(blank=True, help_text="When the workers were last started.", null=True),
                ),
            ],
            options={
                "default_permissions": (),
            },
        ),
        migrations.CreateModel(
            name="QuarantinedFile",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("name", models.CharField(max_length=200, unique=True)),
                ("bytes", models.BigIntegerField()),
                ("modified_at", models.DateTimeField(help_text="When the file was last written.")),
                ("found_at", models.DateTimeField(help_text="When a prune first found that nothing refers to it.")),
                ("last_found_at", models.DateTimeField()),
                ("prunes", models.PositiveIntegerField(default=1)),
                ("kept", models.BooleanField(default=False, help_text="Somebody decided that it stays, however long.")),
            ],
            options={
                "ordering": ("found_at", "name"),
                "default_permissions": (),
            },
        ),
        migrations.CreateModel(
            name="ReleasedFile",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("name", models.CharField(max_length=200, unique=True)),
                (
                    "reason",
                    models.CharField(
                        choices=[
                            ("retention", "its snapshots were deleted"),
                            ("derived", "it was made from a snapshot without the people who withdrew"),
                            ("erasure", "somebody withdrew"),
                            ("archive", "its export was discarded"),
                        ],
                        max_length=20,
                    ),
                ),
            ],
            options={
                "default_permissions": (),
            },
        ),
        migrations.CreateModel(
            name="Summary",
            fields=[
                (
                    "deployment",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="summary",
                        serialize=False,
                        to="psynetdata.deployment",
                    ),
                ),
                ("snapshot_number", models.BigIntegerField()),
                ("taken_at", models.DateTimeField()),
                ("classes", models.JSONField(default=list)),
                ("participants", models.JSONField(default=dict)),
                ("progress", models.JSONField(default=list)),
                (
                    "median_seconds",
                    models.FloatField(help_text="From beginning to end, of those who finished.", null=True),
                ),
                ("by_hour", models.JSONField(default=dict)),
                ("assets", models.JSONField(default=dict)),
            ],
            options={
                "default_permissions": (),
            },
        ),
        migrations.CreateModel(
            name="Watch",
            fields=[
                (
                    "deployment",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="watch",
                        serialize=False,
                        to="psynetdata.deployment",
                    ),
                ),
                ("since", models.DateTimeField()),
            ],
            options={
                "default_permissions": (),
            },
        ),
        migrations.CreateModel(
            name="Export",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("options", models.JSONField(default=dict, help_text="As exports/package/options.py defines them.")),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                (
                    "deployment",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="exports", to="psynetdata.deployment"
                    ),
                ),
                (
                    "job",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE, related_name="export", to="psynetdata.job"
                    ),
                ),
                (
                    "owner",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="exports",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "ordering": ("-id",),
                "permissions": (
                    ("export_anonymous", "Can export, anonymized"),
                    ("export_regular", "Can export as it is, with identified data"),
                ),
            },
        ),
        migrations.CreateModel(
            name="ExportPreset",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("name", models.CharField(max_length=100, unique=True)),
                ("options", models.JSONField()),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                (
                    "owner",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "ordering": ("name",),
                "default_permissions": (),
            },
        ),
        migrations.CreateModel(
            name="ExportSchedule",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("options", models.JSONField()),
                ("every_days", models.PositiveIntegerField()),
                ("due_at", models.DateTimeField()),
                (
                    "scored",
                    models.BooleanField(default=True, help_text="Whether the outcome of the last one is in the score."),
                ),
                ("failures", models.PositiveIntegerField(default=0)),
                ("reason", models.TextField(blank=True, help_text="Why the last one failed, or was left out.")),
                ("stopped_at", models.DateTimeField(null=True)),
                ("told_at", models.DateTimeField(null=True)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                (
                    "deployment",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="schedules",
                        to="psynetdata.deployment",
                    ),
                ),
                (
                    "last",
                    models.ForeignKey(
                        null=True, on_delete=django.db.models.deletion.SET_NULL, related_name="+", to="exports.export"
                    ),
                ),
                (
                    "owner",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="+", to=settings.AUTH_USER_MODEL
                    ),
                ),
            ],
            options={
                "ordering": ("id",),
                "default_permissions": (),
            },
        ),
        migrations.CreateModel(
            name="Incident",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("kind", models.CharField(choices=exports.models.incident.kind_choices, max_length=20)),
                ("sentence", models.TextField()),
                ("began_at", models.DateTimeField()),
                ("ended_at", models.DateTimeField(blank=True, null=True)),
                (
                    "deployment",
                    models.ForeignKey(
                        blank=True,
                        help_text="Empty: the desk itself.",
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="incidents",
                        to="psynetdata.deployment",
                    ),
                ),
            ],
            options={
                "ordering": ("-began_at", "-id"),
            },
        ),
        migrations.CreateModel(
            name="Note",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("text", models.TextField(max_length=4000)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                (
                    "author",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "deployment",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="notes", to="psynetdata.deployment"
                    ),
                ),
            ],
            options={
                "ordering": ("-id",),
                "default_permissions": (),
            },
        ),
        migrations.CreateModel(
            name="Notice",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("channel", models.CharField(help_text="slack or email.", max_length=20)),
                ("end", models.BooleanField(default=False, help_text="Of its end; else of its beginning.")),
                ("created_at", models.DateTimeField()),
                ("told_at", models.DateTimeField(blank=True, null=True)),
                ("given_up_at", models.DateTimeField(blank=True, null=True)),
                (
                    "not_before",
                    models.DateTimeField(blank=True, help_text="Until then it is someone's, or must wait.", null=True),
                ),
                ("claim", models.CharField(blank=True, editable=False, max_length=32)),
                ("error", models.TextField(blank=True, help_text="Why it could not be told so far, in a sentence.")),
                (
                    "export",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="notices",
                        to="exports.export",
                    ),
                ),
                (
                    "incident",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="notices",
                        to="exports.incident",
                    ),
                ),
            ],
            options={
                "ordering": ("id",),
                "default_permissions": (),
            },
        ),
        migrations.CreateModel(
            name="SegmentTally",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("table", models.CharField(max_length=100)),
                (
                    "name",
                    models.CharField(help_text="A hash of the segment's rows, the clock and the code.", max_length=64),
                ),
                ("counts", models.JSONField()),
                (
                    "deployment",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="tallies", to="psynetdata.deployment"
                    ),
                ),
            ],
            options={
                "default_permissions": (),
            },
        ),
        migrations.CreateModel(
            name="ServerLogs",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("parts", models.JSONField(default=list)),
                ("replaced", models.JSONField(default=dict)),
                ("offset", models.BigIntegerField(default=0)),
                ("head", models.CharField(blank=True, max_length=64)),
                ("head_bytes", models.PositiveIntegerField(default=0)),
                ("changes", models.PositiveIntegerField(default=0)),
                (
                    "read_at",
                    models.DateTimeField(help_text="When the server's file was last read to its end.", null=True),
                ),
                (
                    "deployment",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="server_logs",
                        to="psynetdata.deployment",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="SlackThread",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("channel", models.CharField(max_length=200)),
                ("ts", models.CharField(help_text="Slack's name of the first message.", max_length=40)),
                (
                    "deployment",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="+", to="psynetdata.deployment"
                    ),
                ),
            ],
            options={
                "default_permissions": (),
            },
        ),
        migrations.CreateModel(
            name="Snapshot",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "state",
                    models.CharField(choices=[("good", "Good"), ("suspect", "Suspect")], default="good", max_length=10),
                ),
                ("taken_at", models.DateTimeField(help_text="The moment that the rows are of, in UTC.")),
                ("stored_at", models.DateTimeField(auto_now_add=True)),
                (
                    "origin",
                    models.CharField(blank=True, help_text="Name of the file it was loaded from.", max_length=200),
                ),
                ("tables", models.JSONField(default=dict)),
                (
                    "sequences",
                    models.JSONField(
                        default=dict, help_text="{sequence: its last value, null where it was never used}."
                    ),
                ),
                (
                    "server",
                    models.JSONField(
                        default=dict, help_text="Of a capture: version, identity and transaction horizon."
                    ),
                ),
                ("reason", models.TextField(blank=True, help_text="Why it is suspect, in a sentence.")),
                ("pinned", models.BooleanField(default=False, help_text="Kept whatever the retention says.")),
                (
                    "damage",
                    models.JSONField(default=list, help_text="Names of blobs that were last found missing or damaged."),
                ),
                ("rows", models.BigIntegerField(default=0)),
                ("bytes", models.BigIntegerField(default=0, help_text="Size of all rows as CSV.")),
                ("new_bytes", models.BigIntegerField(default=0, help_text="What it added to the storage, packed.")),
                ("seconds", models.FloatField(blank=True, help_text="How long its transaction was open.", null=True)),
                ("psynet_version", models.CharField(blank=True, max_length=50, verbose_name="PsyNet version")),
                ("dallinger_version", models.CharField(blank=True, max_length=50, verbose_name="Dallinger version")),
                ("python_version", models.CharField(blank=True, max_length=50, verbose_name="Python version")),
                ("clock_offset", models.IntegerField(blank=True, help_text="Minutes ahead of UTC.", null=True)),
                (
                    "manifest",
                    models.CharField(
                        blank=True,
                        editable=False,
                        help_text="The file of the storage that describes this row.",
                        max_length=200,
                    ),
                ),
                (
                    "manifest_due",
                    models.BooleanField(default=True, editable=False, help_text="Changed since that was written."),
                ),
                (
                    "deployment",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="snapshots",
                        to="psynetdata.deployment",
                    ),
                ),
            ],
            options={
                "ordering": ("-taken_at", "-id"),
            },
        ),
        migrations.AddField(
            model_name="export",
            name="snapshot",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT, related_name="exports", to="exports.snapshot"
            ),
        ),
        migrations.CreateModel(
            name="SourceCode",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("sha256", models.CharField(max_length=64)),
                ("bytes", models.BigIntegerField()),
                (
                    "basic_data",
                    models.TextField(blank=True, help_text="The text of its get_basic_data, for copying; never run."),
                ),
                ("stored_at", models.DateTimeField(auto_now=True)),
                (
                    "deployment",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="source_code",
                        to="psynetdata.deployment",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="StoredAsset",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("asset_id", models.BigIntegerField(help_text="PsyNet's id of the asset.")),
                ("number", models.PositiveIntegerField(default=0, help_text="Of the file within a folder asset.")),
                ("inside", models.TextField(blank=True, help_text="Its path within a folder asset.")),
                (
                    "source",
                    models.CharField(help_text="Names where it came from (exports.assets.plan).", max_length=64),
                ),
                ("claim", models.CharField(blank=True, help_text="What its row said of its content.", max_length=60)),
                (
                    "differs",
                    models.CharField(blank=True, help_text="Why it may not be the file of its row.", max_length=100),
                ),
                (
                    "version",
                    models.CharField(blank=True, help_text="What its place called this state of it.", max_length=300),
                ),
                ("sha256", models.CharField(db_index=True, max_length=64)),
                ("bytes", models.BigIntegerField()),
                ("stored_at", models.DateTimeField(auto_now=True)),
                (
                    "deployment",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="stored_assets",
                        to="psynetdata.deployment",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="Withdrawal",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("participant", models.BigIntegerField(help_text="PsyNet's id.")),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                (
                    "by",
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
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="withdrawals",
                        to="psynetdata.deployment",
                    ),
                ),
            ],
            options={
                "ordering": ("-id",),
                "permissions": (("withdraw", "Can withdraw participants, and take that back"),),
                "default_permissions": ("view",),
            },
        ),
        migrations.CreateModel(
            name="ExportArchive",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("mode", models.CharField(choices=[("regular", "Regular"), ("anonymous", "Anonymous")], max_length=10)),
                ("file", models.CharField(help_text="Its name in the storage.", max_length=200)),
                ("bytes", models.BigIntegerField()),
                ("sha256", models.CharField(max_length=64)),
                ("manifest", models.JSONField(default=dict)),
                ("report", models.JSONField(default=dict, help_text="What the leak scan looked for and found.")),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("expires_at", models.DateTimeField(blank=True, null=True)),
                (
                    "export",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="archives", to="exports.export"
                    ),
                ),
            ],
            options={
                "constraints": [models.UniqueConstraint(fields=("export", "mode"), name="one_archive_per_mode")],
            },
        ),
        migrations.AddConstraint(
            model_name="incident",
            constraint=models.UniqueConstraint(
                condition=models.Q(("ended_at__isnull", True)),
                fields=("deployment", "kind"),
                name="one_open_incident_per_kind",
            ),
        ),
        migrations.AddConstraint(
            model_name="incident",
            constraint=models.UniqueConstraint(
                condition=models.Q(("deployment__isnull", True), ("ended_at__isnull", True)),
                fields=("kind",),
                name="one_open_incident_of_the_desk",
            ),
        ),
        migrations.AddConstraint(
            model_name="notice",
            constraint=models.UniqueConstraint(fields=("incident", "channel", "end"), name="one_notice_per_end"),
        ),
        migrations.AddConstraint(
            model_name="notice",
            constraint=models.UniqueConstraint(fields=("export", "channel"), name="one_notice_per_export"),
        ),
        migrations.AddConstraint(
            model_name="notice",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("export__isnull", True), ("incident__isnull", False)),
                    models.Q(("export__isnull", False), ("incident__isnull", True)),
                    _connector="OR",
                ),
                name="a_notice_is_of_one_thing",
            ),
        ),
        migrations.AddConstraint(
            model_name="segmenttally",
            constraint=models.UniqueConstraint(fields=("deployment", "table", "name"), name="one_tally_a_segment"),
        ),
        migrations.AddConstraint(
            model_name="slackthread",
            constraint=models.UniqueConstraint(fields=("deployment", "channel"), name="one_thread_per_channel"),
        ),
        migrations.AddIndex(
            model_name="snapshot",
            index=models.Index(fields=["deployment", "state", "taken_at"], name="newest_snapshot"),
        ),
        migrations.AddConstraint(
            model_name="storedasset",
            constraint=models.UniqueConstraint(
                fields=("deployment", "asset_id", "number"), name="one_row_per_stored_file"
            ),
        ),
        migrations.AddConstraint(
            model_name="withdrawal",
            constraint=models.UniqueConstraint(fields=("deployment", "participant"), name="withdrawn_once"),
        ),
        migrations.RunPython(add_permissions, migrations.RunPython.noop, elidable=False),
    ]
