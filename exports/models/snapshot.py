from django.db import models

from psynetdata.models import Deployment


class SnapshotQuerySet(models.QuerySet):
    def good(self):
        return self.filter(state=Snapshot.State.GOOD)

    def newest(self, deployment: Deployment) -> "Snapshot | None":
        """The newest good snapshot: the one that mirror, sheets and exports stand on."""
        return self.good().filter(deployment=deployment).order_by("-taken_at", "-id").first()


class Snapshot(models.Model):
    """A raw copy of an experiment's whole database at one moment.

    `tables` names, for each table, the blob that holds its state (exports.snapshots.store)
    and its number of rows: {table: {"state": sha256, "rows": n}}.
    """

    class State(models.TextChoices):
        GOOD = "good"
        SUSPECT = "suspect"

    deployment = models.ForeignKey(Deployment, models.PROTECT, related_name="snapshots")
    state = models.CharField(max_length=10, choices=State.choices, default=State.GOOD)
    taken_at = models.DateTimeField(help_text="The moment that the rows are of, in UTC.")
    stored_at = models.DateTimeField(auto_now_add=True)
    origin = models.CharField(max_length=200, blank=True, help_text="Name of the file it was loaded from.")
    tables = models.JSONField(default=dict)
    rows = models.BigIntegerField(default=0)
    bytes = models.BigIntegerField(default=0, help_text="Size of all rows as CSV.")
    psynet_version = models.CharField("PsyNet version", max_length=50, blank=True)
    dallinger_version = models.CharField("Dallinger version", max_length=50, blank=True)
    python_version = models.CharField("Python version", max_length=50, blank=True)
    clock_offset = models.IntegerField(null=True, blank=True, help_text="Minutes ahead of UTC.")

    objects = SnapshotQuerySet.as_manager()

    class Meta:
        ordering = ("-taken_at", "-id")

    def __str__(self):
        return f"snapshot {self.id}"

    def rows_of(self, table: str) -> int:
        return self.tables[table]["rows"]
