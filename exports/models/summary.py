from django.db import models

from psynetdata.models import Deployment


class SegmentTally(models.Model):
    """The counts of one segment of a deployment's newest snapshot (exports.mirroring.summary)."""

    deployment = models.ForeignKey(Deployment, models.CASCADE, related_name="tallies")
    table = models.CharField(max_length=100)
    name = models.CharField(max_length=64, help_text="A hash of the segment's rows, the clock and the code.")
    counts = models.JSONField()

    class Meta:
        default_permissions = ()
        constraints = (models.UniqueConstraint(fields=("deployment", "table", "name"), name="one_tally_a_segment"),)

    def __str__(self):
        return f"{self.table} {self.name[:12]}"


class Summary(models.Model):
    """The numbers that pages show of a deployment, made once for each snapshot so that no page counts rows.

    `classes`: [[table, class, rows, failed]]; `participants`: {state: how many}, `progress`: participants by tenths of
    the experiment; `by_hour`: {hour in ISO 8601, UTC: trials}; `assets`: {experiment | other: {personal | public:
    [files, bytes]}}, according to the rows.
    """

    deployment = models.OneToOneField(Deployment, models.CASCADE, primary_key=True, related_name="summary")
    snapshot_number = models.BigIntegerField()
    taken_at = models.DateTimeField()
    classes = models.JSONField(default=list)
    participants = models.JSONField(default=dict)
    progress = models.JSONField(default=list)
    median_seconds = models.FloatField(null=True, help_text="From beginning to end, of those who finished.")
    by_hour = models.JSONField(default=dict)
    assets = models.JSONField(default=dict)

    class Meta:
        default_permissions = ()

    def __str__(self):
        return f"summary of snapshot {self.snapshot_number}"
