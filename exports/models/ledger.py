from django.db import models

from psynetdata.models import Deployment

FOLDER = "ledger"  # a folder of the storage


class LedgerFile(models.Model):
    """A file of the ledger of identifiers (exports.ledger). Deployments that continue each other share a ledger."""

    deployment = models.ForeignKey(Deployment, models.PROTECT, related_name="ledger_files")
    name = models.CharField(max_length=200, unique=True, help_text="A file of the storage.")
    sha256 = models.CharField(max_length=64, help_text="Of its bytes, before the storage encrypts them.")
    entries = models.PositiveIntegerField(help_text="How many identifiers it adds.")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        default_permissions = ()

    def __str__(self):
        return self.name
