from django.db import models

from .base import MirrorModel


class Record(MirrorModel):
    """A row of any other table, PsyNet's or the experimenter's own."""

    # A table need not have an integer id, so the key is a counter, and rows are identified by their text.
    key = models.BigAutoField(primary_key=True)
    table = models.TextField()
    id = models.TextField(null=True)
    creation_time = models.DateTimeField(null=True)
    type = models.TextField(null=True)
    participant_id = models.BigIntegerField(null=True)
    # Identifies a row: its integer id, or the hash of its text and a counter among equal rows.
    identity = models.TextField(editable=False)

    class Meta:
        ordering = ("key",)
        indexes = (models.Index(fields=("deployment_number", "table", "identity"), name="record_by_identity"),)

    def __str__(self):
        return f"{self.table} {self.id or self.key}"
