from django.conf import settings
from django.db import models

from psynetdata.models import Deployment

LONGEST = 4000  # characters


class Note(models.Model):
    """A note by a member of staff about a deployment, for everyone who may see it."""

    deployment = models.ForeignKey(Deployment, models.CASCADE, related_name="notes")
    author = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+")
    text = models.TextField(max_length=LONGEST)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ("-id",)
        default_permissions = ()  # they are read and written on their deployment's page

    def __str__(self):
        return f"note {self.id}"
