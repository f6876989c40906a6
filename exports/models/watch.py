from django.db import models

from psynetdata.models import Deployment


class Watch(models.Model):
    """Since when a deployment has been watched without a break: before that no snapshot of it was due."""

    deployment = models.OneToOneField(Deployment, models.CASCADE, primary_key=True, related_name="watch")
    since = models.DateTimeField()

    class Meta:
        default_permissions = ()

    def __str__(self):
        return f"watch over {self.deployment_id}"
