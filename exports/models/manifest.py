from django.db import models

from psynetdata.models import Deployment


class DeploymentManifest(models.Model):
    """What was last written about a deployment into the storage (exports.store.manifests)."""

    deployment = models.OneToOneField(Deployment, models.CASCADE, primary_key=True, related_name="manifest")
    name = models.CharField(max_length=200, help_text="A file of the storage.")
    sha256 = models.CharField(max_length=64, help_text="Of its content.")
    assets_name = models.CharField(max_length=200, blank=True, help_text="The file that lists its stored assets.")
    assets_stamp = models.CharField(max_length=100, blank=True, help_text="Changes with the list.")

    class Meta:
        default_permissions = ()

    def __str__(self):
        return self.name
