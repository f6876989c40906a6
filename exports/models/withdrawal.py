from django.conf import settings
from django.db import models

from psynetdata.models import Deployment


class Withdrawal(models.Model):
    """A participant whose data is no longer shown or exported, although snapshots may hold it.

    It belongs to the first of the deployments that continue each other, because they share their participants.
    """

    deployment = models.ForeignKey(Deployment, models.PROTECT, related_name="withdrawals")
    participant = models.BigIntegerField(help_text="PsyNet's id.")
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ("-id",)
        default_permissions = ("view",)
        permissions = (("withdraw", "Can withdraw participants, and take that back"),)
        constraints = (models.UniqueConstraint(fields=("deployment", "participant"), name="withdrawn_once"),)

    def __str__(self):
        return f"withdrawal of participant {self.participant}"
