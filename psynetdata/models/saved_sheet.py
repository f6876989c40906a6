from django.conf import settings
from django.db import models


class SavedSheet(models.Model):
    """A sheet that staff defined: columns of another sheet, or paths into them, filtered, ordered and named."""

    deployment = models.ForeignKey("Deployment", models.CASCADE, related_name="saved_sheets")
    name = models.CharField(max_length=60)
    base = models.CharField("rows of", max_length=200, help_text="A sheet: trial, participant, a class, a table.")
    columns = models.JSONField(help_text="[[name, column or path like definition.colour.0], …]")
    filters = models.JSONField(default=dict, blank=True, help_text="{parameter: [values]}, as at the API.")
    order = models.JSONField(default=list, blank=True, help_text="[column, …], with a - for backwards.")
    made_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, editable=False, related_name="+")
    changed_at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering = ("deployment", "name")
        constraints = (models.UniqueConstraint(fields=("deployment", "name"), name="one_saved_sheet_of_a_name"),)

    def __str__(self):
        return self.name
