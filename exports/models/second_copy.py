from django.db import models


class SecondCopy(models.Model):
    """How far the second copy of the storage (STORAGE_MIRROR_URL) follows. Has at most one row."""

    ONLY = 1

    number = models.PositiveSmallIntegerField(primary_key=True, default=ONLY, editable=False)
    place = models.TextField(help_text="Where it is; another place begins empty.")
    begun_at = models.DateTimeField()
    complete_at = models.DateTimeField(null=True, blank=True, help_text="When it last held all files.")
    waiting_files = models.PositiveIntegerField(default=0)
    waiting_bytes = models.BigIntegerField(default=0)
    failing_since = models.DateTimeField(null=True, blank=True)
    refused = models.BooleanField(default=False, help_text="It belongs to another installation, or carries no id.")
    problem = models.TextField(blank=True, help_text="Why the last try failed, in a sentence.")

    class Meta:
        default_permissions = ()

    def __str__(self):
        return "second copy of the storage"


class CopiedFile(models.Model):
    """A file of the storage as it was when it was copied. `modified_at`: None if the copy was there before this row."""

    name = models.CharField(max_length=200, primary_key=True)
    bytes = models.BigIntegerField()
    modified_at = models.DateTimeField(null=True)

    class Meta:
        default_permissions = ()

    def __str__(self):
        return self.name


class DecidedDeletion(models.Model):
    """A file that something decided to delete from the storage, so that its second copy is to be deleted too."""

    name = models.CharField(max_length=200, primary_key=True)

    class Meta:
        default_permissions = ()

    def __str__(self):
        return self.name
