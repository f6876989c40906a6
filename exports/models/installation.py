from uuid import uuid4

from django.db import models
from django.utils import timezone


def new_installation_id() -> str:
    return uuid4().hex


class Installation(models.Model):
    """One desk: the id that this database and its storage both carry (exports.store.installation). Has one row."""

    ONLY = 1

    number = models.PositiveSmallIntegerField(primary_key=True, default=ONLY, editable=False)
    installation_id = models.CharField(max_length=32, default=new_installation_id)
    created_at = models.DateTimeField(
        default=timezone.now, help_text="Since when this database knows the files of the storage."
    )
    in_storage = models.BooleanField(default=False, help_text="Whether the id was written into the storage.")
    prunes = models.PositiveBigIntegerField(
        default=0, help_text="Prunes so far. A storage that counts more belongs to a newer copy of this database."
    )
    pruned_at = models.DateTimeField(null=True, blank=True)
    backup_place = models.CharField(max_length=500, blank=True, help_text="A folder or a URL without a password.")
    backup_every_hours = models.PositiveIntegerField(null=True, blank=True, help_text="Empty: only when asked for.")
    sheet_confirmed_at = models.DateTimeField(
        null=True, blank=True, help_text="When somebody confirmed that the recovery sheet is on paper."
    )
    storage_keys = models.JSONField(
        default=list, blank=True, help_text="Ids of the keys that files of the storage may be encrypted with."
    )
    sealed = models.BooleanField(
        default=False, help_text="Whether all files are encrypted, so that one that is not was not written here."
    )
    started_at = models.DateTimeField(null=True, blank=True, help_text="When the workers were last started.")

    class Meta:
        default_permissions = ()

    def __str__(self):
        return f"installation {self.installation_id[:8]}"
