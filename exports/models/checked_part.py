from django.db import models
from django.utils import timezone


class CheckedPart(models.Model):
    """When one of 256 parts of the storage was last read and compared with its hashes (exports.operations.rehash).

    `damaged`: how many stored things of the part were missing or damaged then, and had no other copy.
    `only_copies`: numbers of deployments that no longer run and that such a thing belongs to.
    """

    number = models.PositiveSmallIntegerField(primary_key=True)
    added_at = models.DateTimeField(default=timezone.now)
    checked_at = models.DateTimeField(null=True, blank=True)
    files = models.PositiveIntegerField(default=0)
    bytes = models.BigIntegerField(default=0)
    damaged = models.PositiveIntegerField(default=0)
    only_copies = models.JSONField(default=list)

    class Meta:
        default_permissions = ()
        ordering = ("number",)

    def __str__(self):
        return f"part {self.number}"


class PackRepair(models.Model):
    """A pack that a process is writing again, so that no other one does so now (exports.store.locks)."""

    pack = models.CharField(max_length=200, primary_key=True)
    token = models.CharField(max_length=32)
    began_at = models.DateTimeField()

    class Meta:
        default_permissions = ()

    def __str__(self):
        return self.pack
