from django.conf import settings
from django.db import models


class Job(models.Model):
    """One long-running task. Its state changes only by compare-and-swap (psynetdata.jobs)."""

    class State(models.TextChoices):
        QUEUED = "queued"
        RUNNING = "running"
        DONE = "done"
        FAILED = "failed"
        CANCELLED = "cancelled"

    ACTIVE = (State.QUEUED, State.RUNNING)

    kind = models.CharField(max_length=40)
    cluster = models.CharField(max_length=10, default="slow")
    state = models.CharField(max_length=20, choices=State.choices, default=State.QUEUED, db_index=True)
    deployment = models.ForeignKey("Deployment", models.CASCADE, null=True, blank=True, related_name="jobs")
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="jobs")
    options = models.JSONField(default=dict, help_text="Ids and switches; never a secret.")
    phase = models.CharField(max_length=80, blank=True)
    done = models.BigIntegerField(default=0)
    total = models.BigIntegerField(null=True, blank=True)
    counts = models.JSONField(
        null=True, help_text="{what: [done, of how many]} of the phase; null: done and total say."
    )
    attempts = models.PositiveIntegerField(default=0)
    max_attempts = models.PositiveIntegerField(default=3)
    run_token = models.CharField(max_length=32, blank=True, editable=False)
    cancel_requested = models.BooleanField(default=False)
    reason = models.TextField(blank=True, help_text="Why it failed, in a sentence.")
    result = models.JSONField(default=dict)
    created_at = models.DateTimeField(auto_now_add=True)
    started_at = models.DateTimeField(null=True, blank=True)
    heartbeat_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ("-id",)
        indexes = (models.Index(fields=("deployment", "kind"), name="jobs_of_deployment"),)

    def __str__(self):
        return f"{self.kind} {self.id}"

    @property
    def is_over(self) -> bool:
        return self.state in (self.State.DONE, self.State.FAILED, self.State.CANCELLED)

    @property
    def percent(self) -> int | None:
        """Whole percent done, 100 only when the job is done; None while the total is unknown."""
        if self.state == self.State.DONE:
            return 100
        if not self.total:
            return None
        return min(99, self.done * 100 // self.total)
