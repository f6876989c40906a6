from django.db import models


class SignInFailures(models.Model):
    """How often signing in failed in a row: for one account's name, or from one address."""

    subject = models.CharField(max_length=64, unique=True, help_text="A keyed hash; what was typed may be a password.")
    count = models.PositiveIntegerField(default=0)
    last_at = models.DateTimeField(db_index=True)

    class Meta:
        default_permissions = ()

    def __str__(self):
        return f"{self.count} failures"
