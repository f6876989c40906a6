import hashlib
import secrets
from datetime import timedelta

from django.conf import settings
from django.db import models
from django.utils import timezone


class ApiToken(models.Model):
    """A person's key to the API. Only its hash is stored; the token itself is shown only once."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="api_tokens")
    name = models.CharField(max_length=100, default="token")
    digest = models.CharField(max_length=64, unique=True, editable=False)
    identified = models.BooleanField(default=False, help_text="May read the identified face, if its owner may.")
    # Numbers instead of a relation: deleting the last of the deployments must not give the token access to all.
    deployments = models.JSONField(default=list, blank=True, help_text="Numbers of deployments; empty: every one.")
    sheets = models.JSONField(default=list, blank=True, help_text="Names of sheets; empty: everything.")
    created_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField(null=True, blank=True)
    last_used_at = models.DateTimeField(null=True, blank=True)
    revoked = models.BooleanField(default=False)

    class Meta:
        ordering = ("-id",)
        verbose_name = "API token"

    def __str__(self):
        return self.name

    @classmethod
    def issue(cls, user, *, name="token", identified=False, deployments=(), sheets=(), days: int | None = None):
        """Create a token and return (row, token): the token is 43 URL-safe characters and is not stored."""
        token = secrets.token_urlsafe(32)
        expires_at = timezone.now() + timedelta(days=days) if days else None
        row = cls.objects.create(
            user=user,
            name=name,
            digest=cls.hash(token),
            identified=identified,
            deployments=[deployment.number for deployment in deployments],
            sheets=list(sheets),
            expires_at=expires_at,
        )
        return row, token

    @classmethod
    def find(cls, token: str) -> "ApiToken | None":
        """Return the row of a valid token of an active user, or None."""
        row = cls.objects.select_related("user").filter(digest=cls.hash(token), revoked=False).first()
        if row is None or not row.user.is_active or (row.expires_at and row.expires_at <= timezone.now()):
            return None
        return row

    @staticmethod
    def hash(token: str) -> str:
        return hashlib.sha256(token.encode()).hexdigest()
