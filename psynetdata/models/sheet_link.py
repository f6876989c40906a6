from datetime import timedelta

from django.conf import settings
from django.core import signing
from django.db import models
from django.utils import timezone


class SheetLink(models.Model):
    """A URL that shows one sheet of one deployment to anyone who has it, until it expires; signed with SECRET_KEY.

    It shows the anonymous face only, whoever made it, as long as its owner may see the deployment.
    """

    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="sheet_links")
    deployment = models.ForeignKey("Deployment", models.CASCADE, related_name="+")
    sheet = models.CharField(max_length=200)
    created_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField()
    last_used_at = models.DateTimeField(null=True, blank=True, editable=False)
    revoked = models.BooleanField(default=False)

    class Meta:
        ordering = ("-id",)

    def __str__(self):
        return f"link to {self.sheet}"

    @classmethod
    def issue(cls, user, *, deployment, sheet: str, days: int) -> "SheetLink":
        ends = timezone.now() + timedelta(days=days)
        return cls.objects.create(user=user, deployment=deployment, sheet=sheet, expires_at=ends)

    @property
    def signed(self) -> str:
        return _signer().sign(str(self.pk))

    @classmethod
    def find(cls, signed: str) -> "SheetLink | None":
        """Return the link of a signed text, valid or not; None if it was not signed here, or no longer exists."""
        try:
            number = int(_signer().unsign(signed))
        except (signing.BadSignature, ValueError):
            return None
        return cls.objects.select_related("user", "deployment").filter(pk=number).first()

    @property
    def is_valid(self) -> bool:
        return not self.revoked and self.user.is_active and self.expires_at > timezone.now()


def _signer() -> signing.Signer:
    return signing.Signer(salt="psynetdata.sheetlink")
