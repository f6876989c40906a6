from django.conf import settings
from django.db import models

from psynetdata.models import Deployment

from .export import Export


class ExportPreset(models.Model):
    """Options of an export under a name, for whoever asks for exports; of no deployment."""

    name = models.CharField(max_length=100, unique=True)
    options = models.JSONField()
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ("name",)
        default_permissions = ()  # they are kept and removed on the page that asks for an export

    def __str__(self):
        return self.name


class ExportSchedule(models.Model):
    """An export that comes again and again, of the newest good snapshot; it keeps its own score.

    `failures` in a row; at the fifth it stops (`stopped_at`), and its owner is told (`told_at`).
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
        default_permissions = ()  # they are seen on the page of their deployment

    def __str__(self):
        return f"scheduled export {self.id}"
