from django.db import models


class ReleasedFile(models.Model):
    """A file of the storage that may be deleted as soon as nothing refers to it, because something decided so.

    All other files that nothing refers to are quarantined first (QuarantinedFile).
    """

    class Reason(models.TextChoices):
        RETENTION = "retention", "its snapshots were deleted"
        DERIVED = "derived", "it was made from a snapshot without the people who withdrew"
        ERASURE = "erasure", "somebody withdrew"
        MERGED = "merged", "its entries are in a newer file of the ledger"
        ARCHIVE = "archive", "its export was discarded"

    name = models.CharField(max_length=200, unique=True)
    reason = models.CharField(max_length=20, choices=Reason.choices)

    class Meta:
        default_permissions = ()

    def __str__(self):
        return self.name


class QuarantinedFile(models.Model):
    """A file of the storage that nothing refers to, though nobody decided to delete it. It stays where it is.

    `prunes`: how many prunes found it so; a clock that is wrong for a moment cannot end the quarantine.
    """

    name = models.CharField(max_length=200, unique=True)
    bytes = models.BigIntegerField()
    modified_at = models.DateTimeField(help_text="When the file was last written.")
    found_at = models.DateTimeField(help_text="When a prune first found that nothing refers to it.")
    last_found_at = models.DateTimeField()
    prunes = models.PositiveIntegerField(default=1)
    kept = models.BooleanField(default=False, help_text="Somebody decided that it stays, however long.")

    class Meta:
        default_permissions = ()
        ordering = ("found_at", "name")

    def __str__(self):
        return self.name
