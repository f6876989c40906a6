from django.db import models


class Secret(models.Model):
    """A password or key for a source, encrypted with MASTER_KEY; other rows hold only its name."""

    name = models.CharField(max_length=100, unique=True)
    sealed = models.TextField(editable=False)
    created_at = models.DateTimeField(auto_now_add=True)

    def __str__(self):
        return self.name
