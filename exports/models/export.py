from django.conf import settings
from django.db import models

from psynetdata.models import Deployment, Job

from .snapshot import Snapshot


class Export(models.Model):
    """A full export or a database export: what was requested, from which snapshot, by whom."""

    deployment = models.ForeignKey(Deployment, models.PROTECT, related_name="exports")
    snapshot = models.ForeignKey(Snapshot, models.PROTECT, related_name="exports")
    job = models.OneToOneField(Job, models.CASCADE, related_name="export")
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="exports")
    options = models.JSONField(default=dict, help_text="As exports/package/options.py defines them.")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ("-id",)
        permissions = (
            ("export_anonymous", "Can export, anonymized"),
            ("export_regular", "Can export as it is, with identified data"),
        )

    def __str__(self):
        return f"export {self.id}"


class ExportArchive(models.Model):
    """A finished zip of an export.

    The row is created when the file is complete, verified and, if anonymous, scanned.
    """

    class Mode(models.TextChoices):
        REGULAR = "regular"
        ANONYMOUS = "anonymous"

    export = models.ForeignKey(Export, models.CASCADE, related_name="archives")
    mode = models.CharField(max_length=10, choices=Mode.choices)
    file = models.CharField(max_length=200, help_text="Its name in the storage.")
    bytes = models.BigIntegerField()
    sha256 = models.CharField(max_length=64)
    manifest = models.JSONField(default=dict)
    report = models.JSONField(default=dict, help_text="What the leak scan looked for and found.")
    created_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = (models.UniqueConstraint(fields=("export", "mode"), name="one_archive_per_mode"),)

    def __str__(self):
        return f"{self.export} {self.mode}"

    @property
    def identified(self) -> bool:
        return self.mode == self.Mode.REGULAR
