from django.conf import settings
from django.db import models

from psynetdata.models import Deployment

from .export import Export


class ExportPreset(models.Model):
    """Named options of an export, for everyone who requests exports; they belong to no deployment."""

    name = models.CharField(max_length=100, unique=True)
    options = models.JSONField()
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ("name",)
        default_permissions = ()  # they are kept and removed on the page that requests an export

    def __str__(self):
        return self.name


class ExportSchedule(models.Model):
    """An export that is made repeatedly, of the newest good snapshot; it counts its failures.

    `failures` in a row; after the fifth it stops (`stopped_at`), and its owner is notified (`told_at`).
    """

    deployment = models.ForeignKey(Deployment, models.CASCADE, related_name="schedules")
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="+")
    options = models.JSONField()
    every_days = models.PositiveIntegerField()
    due_at = models.DateTimeField()
    last = models.ForeignKey(Export, models.SET_NULL, null=True, related_name="+")
    scored = models.BooleanField(default=True, help_text="Whether the outcome of the last one is in the score.")
    failures = models.PositiveIntegerField(default=0)
    reason = models.TextField(blank=True, help_text="Why the last one failed, or was left out.")
    stopped_at = models.DateTimeField(null=True)
    told_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ("id",)
        default_permissions = ()  # they are shown on their deployment's page

    def __str__(self):
        return f"scheduled export {self.id}"
