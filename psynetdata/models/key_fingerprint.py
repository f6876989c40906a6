from django.db import models


class KeyFingerprint(models.Model):
    """Identifies the master key that sealed this database's secrets; it reveals nothing about the key. One row."""

    fingerprint = models.CharField(max_length=64, editable=False)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        default_permissions = ()

    def __str__(self):
        return "fingerprint of the master key"
