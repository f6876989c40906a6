from datetime import timedelta

from django.db import models
from django.db.models import Q

from psynetdata.models import Deployment

from .export import Export


def kind_choices() -> list[tuple[str, str]]:
    """Return the kinds of incident. It is a function, so that a new kind needs no migration."""
    return Incident.Kind.choices


class Incident(models.Model):
    """Something that is wrong, from when it was first seen until it is over."""

    class Kind(models.TextChoices):
        LATE = "late", "no new snapshot"
        FELL = "fell", "rows fell"
        MIRROR = "mirror", "mirror behind"
        UNREACHABLE = "unreachable", "source unreachable"
        STORAGE = "storage", "storage nearly full"
        DRILL = "drill", "restore drill failed"
        INSTALLATION = "installation", "storage and database do not match"
        PRUNE = "prune", "nothing is pruned"
        BACKUP = "backup", "no backup"
        DAMAGE = "damage", "stored data damaged"
        REHASH = "rehash", "stored data not checked"
        COPY = "copy", "second copy behind"
        QUARANTINE = "quarantine", "files leave the quarantine"
        QUEUE = "queue", "jobs wait too long"

    # Kinds that are about the desk itself; all others are about a deployment.
    OF_DESK = (
        Kind.STORAGE, Kind.INSTALLATION, Kind.PRUNE, Kind.BACKUP, Kind.DAMAGE, Kind.REHASH, Kind.COPY, Kind.QUARANTINE,
        Kind.QUEUE,
    )  # fmt: skip

    deployment = models.ForeignKey(
        Deployment, models.CASCADE, null=True, blank=True, related_name="incidents", help_text="Empty: the desk itself."
    )
    kind = models.CharField(max_length=20, choices=kind_choices)
    sentence = models.TextField()
    began_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ("-began_at", "-id")
        constraints = (
            models.UniqueConstraint(
                fields=("deployment", "kind"),
                condition=Q(ended_at__isnull=True),
                name="one_open_incident_per_kind",
            ),
            models.UniqueConstraint(
                fields=("kind",),
                condition=Q(ended_at__isnull=True, deployment__isnull=True),
                name="one_open_incident_of_the_desk",
            ),
        )

    def __str__(self):
        return f"incident {self.id}"

    @property
    def sentence_without_places(self) -> str:
        """The sentence without hosts, databases and roles."""
        return _WITHOUT_PLACES.get(self.kind, self.sentence)

    @property
    def state(self) -> str:
        return "open" if self.ended_at is None else "over"


_WITHOUT_PLACES = {
    Incident.Kind.LATE: "There is no new snapshot, though one is due.",
    Incident.Kind.MIRROR: "The mirror does not follow the snapshots.",
    Incident.Kind.UNREACHABLE: "The source does not answer, or does not let us in.",
    Incident.Kind.DRILL: "The last restore drill failed.",
}


# How long a notice belongs to one worker: longer than any channel takes. If that worker dies between sending and
# recording it, it is sent again after that time.
CLAIMED_FOR = timedelta(minutes=5)
LONGEST_WAIT = timedelta(hours=1)  # that a channel may ask for


class NoticeQuerySet(models.QuerySet):
    def waiting(self):
        """Return notices that were neither sent nor given up."""
        return self.filter(told_at=None, given_up_at=None)

    def ready(self, now):
        """Return waiting notices that nobody is sending now and whose channel did not ask to wait."""
        # A time further ahead than that was written before the clock was set back.
        claimed = Q(not_before__gt=now, not_before__lte=now + CLAIMED_FOR, claim__gt="")
        must_wait = Q(not_before__gt=now, not_before__lte=now + LONGEST_WAIT, claim="")
        return self.waiting().exclude(claimed | must_wait)


class Notice(models.Model):
    """The beginning or end of an incident, or the end of an export, to be sent through one channel, once."""

    incident = models.ForeignKey(Incident, models.CASCADE, null=True, blank=True, related_name="notices")
    export = models.ForeignKey(Export, models.CASCADE, null=True, blank=True, related_name="notices")
    channel = models.CharField(max_length=20, help_text="slack or email.")
    end = models.BooleanField(default=False, help_text="Of its end; else of its beginning.")
    created_at = models.DateTimeField()
    told_at = models.DateTimeField(null=True, blank=True)
    given_up_at = models.DateTimeField(null=True, blank=True)
    not_before = models.DateTimeField(null=True, blank=True, help_text="Until then it is someone's, or must wait.")
    claim = models.CharField(max_length=32, blank=True, editable=False)
    error = models.TextField(blank=True, help_text="Why it could not be told so far, in a sentence.")

    objects = NoticeQuerySet.as_manager()

    class Meta:
        ordering = ("id",)
        default_permissions = ()  # they are shown on their incident's page
        constraints = (
            models.UniqueConstraint(fields=("incident", "channel", "end"), name="one_notice_per_end"),
            models.UniqueConstraint(fields=("export", "channel"), name="one_notice_per_export"),
            models.CheckConstraint(
                condition=Q(incident__isnull=False, export__isnull=True)
                | Q(incident__isnull=True, export__isnull=False),
                name="a_notice_is_of_one_thing",
            ),
        )

    def __str__(self):
        return f"notice {self.id}"

    @property
    def about(self) -> Incident | Export:
        return self.incident or self.export

    @property
    def deployment(self) -> Deployment | None:
        """Its deployment; None for the desk itself."""
        return self.about.deployment

    @property
    def owner(self):
        """Who requested the export."""
        return self.export.owner if self.export else None


class SlackThread(models.Model):
    """Where the messages about a deployment are in a Slack channel: in the thread of the first one."""

    deployment = models.ForeignKey(Deployment, models.CASCADE, related_name="+")
    channel = models.CharField(max_length=200)
    ts = models.CharField(max_length=40, help_text="Slack's name of the first message.")

    class Meta:
        default_permissions = ()
        constraints = (models.UniqueConstraint(fields=("deployment", "channel"), name="one_thread_per_channel"),)

    def __str__(self):
        return f"thread of {self.deployment}"
