from django.db import models

from psynetdata.models import Deployment

FOLDER = "logs"  # a folder of the storage


class ServerLogs(models.Model):
    """What was read of the logs of a deployment's server, stored compressed in parts.

    `parts`: [{"file", "bytes", "sha256"}] in order, each of whole lines unless a line is longer than a part; bytes and
    hash are those of the uncompressed text. `offset`: how far the server's file was read; the file is recognized by
    `head`, the hash of its first `head_bytes`. `replaced`: {file: time} of former parts, which somebody may still be
    reading. `changes` counts writes of the row, so that of two readings at the same time one gives way.
    """

    deployment = models.OneToOneField(Deployment, models.PROTECT, related_name="server_logs")
    parts = models.JSONField(default=list)
    replaced = models.JSONField(default=dict)
    offset = models.BigIntegerField(default=0)
    head = models.CharField(max_length=64, blank=True)
    head_bytes = models.PositiveIntegerField(default=0)
    changes = models.PositiveIntegerField(default=0)
    read_at = models.DateTimeField(null=True, help_text="When the server's file was last read to its end.")

    def __str__(self):
        return f"logs of {self.deployment}"

    @property
    def bytes(self) -> int:
        return sum(part["bytes"] for part in self.parts)
