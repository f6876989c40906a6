from django.conf import settings
from django.db import models


class Audit(models.Model):
    """A record of who did or saw what, and when. Written once; the site never changes or deletes it."""

    at = models.DateTimeField(auto_now_add=True, db_index=True)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="+")
    username = models.CharField(max_length=150, blank=True, help_text="Kept when the account is gone.")
    verb = models.CharField(max_length=40)
    deployment = models.ForeignKey("Deployment", models.SET_NULL, null=True, blank=True, related_name="+")
    target = models.CharField(max_length=200, blank=True)
    identified = models.BooleanField(default=False, help_text="Whether identified data was involved.")
    details = models.JSONField(default=dict)

    class Meta:
        ordering = ("-id",)
        verbose_name_plural = "audit log"

    def __str__(self):
        return f"{self.verb} {self.target}".strip()

    @classmethod
    def record(
        cls, verb: str, *, user=None, deployment=None, target="", identified=False, username="", **details
    ) -> "Audit":
        """Write one record; `user` may be None (then `username`, or the command line) or anonymous."""
        account = user if getattr(user, "is_authenticated", False) else None
        username = account.get_username() if account else username or "command line"
        return cls.objects.create(
            verb=verb,
            user=account,
            username=username,
            deployment=deployment,
            target=str(target),
            identified=identified,
            details=details,
        )
