from django.db import models

from psynetdata.models import Deployment

# How `origin` begins if its rows are those of an anonymous export.
ANONYMOUS = "anonymous/"


class SnapshotQuerySet(models.QuerySet):
    def of_people(self):
        """Return those whose rows name people: those of an anonymous export hold only pseudonyms."""
        return self.exclude(origin__startswith=ANONYMOUS)

    def good(self):
        return self.filter(state=Snapshot.State.GOOD)

    def newest(self, deployment: Deployment) -> "Snapshot | None":
        """Return the newest good snapshot: mirror, sheets and exports are based on it."""
        return self.good().filter(deployment=deployment).order_by("-taken_at", "-id").first()


class Snapshot(models.Model):
    """A raw copy of an experiment's whole database at one moment.

    `tables` names, for each table, the blob with its state (exports.store.blobs), its number of rows, and a hash of
    columns and rows: {table: {"state": ref, "rows": n, "content": sha256}}. When `server` changes, the figures of a
    capture are no longer valid (exports.capture.table_capture).
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
    sequences = models.JSONField(default=dict, help_text="{sequence: its last value, null where it was never used}.")
    server = models.JSONField(default=dict, help_text="Of a capture: version, identity and transaction horizon.")
    reason = models.TextField(blank=True, help_text="Why it is suspect, in a sentence.")
    pinned = models.BooleanField(default=False, help_text="Kept whatever the retention says.")
    damage = models.JSONField(default=list, help_text="Names of blobs that were last found missing or damaged.")
    rows = models.BigIntegerField(default=0)
    bytes = models.BigIntegerField(default=0, help_text="Size of all rows as CSV.")
    new_bytes = models.BigIntegerField(default=0, help_text="What it added to the storage, packed.")
    seconds = models.FloatField(null=True, blank=True, help_text="How long its transaction was open.")
    psynet_version = models.CharField("PsyNet version", max_length=50, blank=True)
    dallinger_version = models.CharField("Dallinger version", max_length=50, blank=True)
    python_version = models.CharField("Python version", max_length=50, blank=True)
    clock_offset = models.IntegerField(null=True, blank=True, help_text="Minutes ahead of UTC.")
    manifest = models.CharField(
        max_length=200, blank=True, editable=False, help_text="The file of the storage that describes this row."
    )
    manifest_due = models.BooleanField(default=True, editable=False, help_text="Changed since that was written.")

    collected = models.CharField(
        max_length=64, blank=True, editable=False,
        help_text="The rules by which its identifiers were last added to the ledger (exports.ledger).",
    )  # fmt: skip

    objects = SnapshotQuerySet.as_manager()

    class Meta:
        ordering = ("-taken_at", "-id")
        indexes = (models.Index(fields=("deployment", "state", "taken_at"), name="newest_snapshot"),)

    def __str__(self):
        return f"snapshot {self.id}"

    @property
    def contents(self) -> dict[str, str | None]:
        """{table: hash of its columns and rows}; None in snapshots from before such hashes existed."""
        return {table: entry.get("content") for table, entry in sorted(self.tables.items())}

    @property
    def damage_near(self) -> frozenset[str]:
        """Blobs that were found missing or damaged in any snapshot of the deployment; snapshots share most of them."""
        near = Snapshot.objects.filter(deployment=self.deployment_id).exclude(damage=[])
        return frozenset(ref for refs in near.values_list("damage", flat=True) for ref in refs)

    def rows_of(self, table: str) -> int:
        return self.tables[table]["rows"]
