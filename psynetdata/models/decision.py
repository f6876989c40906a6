"""Data that a deployment's anonymization depends on, next to its key: decisions of staff, and assigned numbers.

Both belong to the first of the deployments that continue each other, like the key.
"""

from django.conf import settings
from django.db import models

from .deployment import Deployment


class Decision(models.Model):
    """A rule from staff that overrides the policy that comes with psynetdata
    (psynetdata.anonymize.policy.rules)."""

    deployment = models.ForeignKey(Deployment, models.CASCADE, related_name="decisions")
    table = models.CharField(max_length=100)
    column = models.CharField(max_length=100)
    selector = models.CharField(max_length=500, blank=True, help_text="A question, a class and key; empty: all of it.")
    shared = models.CharField(max_length=20, help_text="What happens in exports for a named colleague.")
    open = models.CharField(max_length=20, help_text="What happens in exports for a repository.")
    kind = models.CharField(max_length=40, help_text="What stands there.")
    reason = models.CharField(max_length=300)
    decided_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="+")
    decided_at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering = ("table", "column", "selector")
        constraints = (
            models.UniqueConstraint(fields=("deployment", "table", "column", "selector"), name="decided_once"),
        )

    def __str__(self):
        return f"{self.table}.{self.column} {self.selector}".strip()


class Numbered(models.Model):
    """The number of a value in exports with numbered pseudonyms. The value itself is not stored: only its pseudonym,
    which is made with the deployment's key."""

    deployment = models.ForeignKey(Deployment, models.CASCADE, related_name="+")
    pseudonym = models.CharField(max_length=50)
    name = models.CharField(max_length=20)
    number = models.PositiveIntegerField()

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=("deployment", "pseudonym"), name="numbered_once"),
            models.UniqueConstraint(fields=("deployment", "name", "number"), name="one_value_a_number"),
        )

    def __str__(self):
        return f"{self.name}_n{self.number:04d}"
