from django.db import models


class Beat(models.Model):
    """The last sign of life of a cluster of workers; the supervisor watches it from outside."""

    cluster = models.CharField(max_length=10, primary_key=True)
    asked_at = models.DateTimeField(null=True)
    at = models.DateTimeField()

    def __str__(self):
        return self.cluster
