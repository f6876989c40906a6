from django.db import models

from psynetdata.models import Deployment

FOLDER = "source_code"  # a folder of the storage


class SourceCode(models.Model):
    """The `source_code.zip` that was last provided for a deployment, stored under its SHA-256.

    The name has the deployment's number, so that no two deployments share a file and one can be replaced at once.
    """

    deployment = models.OneToOneField(Deployment, models.PROTECT, related_name="source_code")
    sha256 = models.CharField(max_length=64)
    bytes = models.BigIntegerField()
    basic_data = models.TextField(blank=True, help_text="The text of its get_basic_data, for copying; never run.")
    stored_at = models.DateTimeField(auto_now=True)

    def __str__(self):
        return f"source code of {self.deployment}"

    @property
    def file(self) -> str:
        return f"{FOLDER}/{self.deployment_id}/{self.sha256}.zip"
