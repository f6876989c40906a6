from urllib.parse import unquote, urlsplit

from django.conf import settings
from django.db import models


class DeploymentQuerySet(models.QuerySet):
    def watched(self) -> "DeploymentQuerySet":
        """Return the deployments of which snapshots are taken regularly."""
        running = self.filter(state=Deployment.State.RUNNING, every__isnull=False)
        return running.exclude(source=Deployment.Source.UPLOAD)


def source_choices() -> list[tuple[str, str]]:
    """Return the kinds of source. It is a function, so that a new kind needs no migration."""
    return Deployment.Source.choices


class Deployment(models.Model):
    """One launch of an experiment.

    `number` is ours and is part of the mirror's keys; `deployment_id` is PsyNet's and is what
    people see. The app's name is never used to identify a deployment.
    """

    class State(models.TextChoices):
        RUNNING = "running"
        PAUSED = "paused"
        FINISHED = "finished"
        ARCHIVED = "archived"

    class Source(models.TextChoices):
        UPLOAD = "upload"
        LOCAL = "local"
        SSH = "ssh"
        HEROKU = "heroku"

    # States in which snapshots can be taken, automatically or on request.
    OPEN = (State.RUNNING, State.PAUSED)

    number = models.AutoField(primary_key=True)
    deployment_id = models.CharField("deployment id", max_length=300, unique=True)
    label = models.CharField(max_length=300, blank=True)
    state = models.CharField(max_length=20, choices=State.choices, default=State.RUNNING)
    source = models.CharField(max_length=20, choices=source_choices, default=Source.UPLOAD)
    source_url = models.CharField(max_length=500, blank=True, help_text="Never with a password.")
    source_secret = models.CharField(
        max_length=200, blank=True, editable=False, help_text="Names the password; see psynetdata.credentials."
    )
    source_key = models.CharField(
        max_length=500, blank=True, editable=False, help_text="Names the private key that opens an SSH server."
    )
    every = models.PositiveIntegerField(
        null=True, blank=True, help_text="Seconds between snapshots, 60 or more; empty: only when asked for."
    )
    due_at = models.DateTimeField(null=True, blank=True, editable=False, help_text="When the next snapshot is due.")
    # How long snapshots are kept: first all, then one per hour, then one per day.
    keep_all_hours = models.PositiveIntegerField(default=24, help_text="Hours for which every snapshot is kept.")
    keep_hourly_days = models.PositiveIntegerField(default=7, help_text="Days for which one an hour is kept.")
    keep_daily_days = models.PositiveIntegerField(default=90, help_text="Days for which one a day is kept.")
    assets_url = models.CharField(
        "assets", max_length=500, blank=True, help_text="Where the asset files live, as a URL."
    )
    assets_secret = models.CharField(
        max_length=200, blank=True, editable=False, help_text="Names what opens that place; see psynetdata.credentials."
    )
    assets_known_hosts = models.TextField(
        "known hosts",
        blank=True,
        help_text="Keys of the SSH servers of its source and assets, as lines of known_hosts.",
    )
    assets_hosts = models.CharField(
        "hosts of external assets",
        max_length=1000,
        blank=True,
        help_text="Hosts that external assets may name.",
    )
    assets_every = models.PositiveIntegerField(
        null=True, blank=True, help_text="Minutes between fetches of asset files while it runs; empty: at exports only."
    )
    experiment_url = models.CharField(
        "experiment", max_length=500, blank=True, help_text="The experiment's own address; asked for on-demand assets."
    )
    experiment_secret = models.CharField(
        max_length=200, blank=True, editable=False, help_text="Names its user:password; see psynetdata.credentials."
    )
    continues = models.ForeignKey("self", models.PROTECT, null=True, blank=True, related_name="continued_by")
    # Minutes that the server's clock is ahead of UTC; None: not found, treated as 0.
    clock_offset = models.IntegerField(null=True, blank=True, help_text="Minutes ahead of UTC.")
    psynet_version = models.CharField("PsyNet version", max_length=50, blank=True)
    dallinger_version = models.CharField("Dallinger version", max_length=50, blank=True)
    python_version = models.CharField("Python version", max_length=50, blank=True)
    withhold_undecided = models.BooleanField(
        default=False, editable=False, help_text="What nobody decided about leaves in no anonymized export."
    )
    # A flag, because an empty list is not enough: deleting the last named account must not open it to everyone.
    restricted = models.BooleanField(default=False, editable=False, help_text="Only the people named may see it.")
    people = models.ManyToManyField(settings.AUTH_USER_MODEL, blank=True, editable=False, related_name="+")
    slack_channel = models.CharField(
        "Slack channel", max_length=80, blank=True, editable=False, help_text="Its own; empty: that of all deployments."
    )
    experimenter = models.CharField(
        max_length=200, blank=True, editable=False, help_text="As the experiment's configuration names them."
    )
    # The pseudonym key, encrypted with MASTER_KEY; shared with the deployment that this one continues.
    sealed_key = models.TextField(editable=False, blank=True)
    key_exported_at = models.DateTimeField(null=True, blank=True, editable=False)
    key_destroyed_at = models.DateTimeField(null=True, blank=True, editable=False)
    created_at = models.DateTimeField(auto_now_add=True)

    objects = DeploymentQuerySet.as_manager()

    class Meta:
        ordering = ("-number",)
        permissions = (
            ("view_identified", "Can see identified data (real worker ids, addresses, recordings)"),
            ("decide_policy", "Can decide what leaves in anonymized exports"),
            ("hold_keys", "Can export and destroy pseudonym keys"),
        )

    def __str__(self):
        return self.label or self.deployment_id

    @property
    def first(self) -> "Deployment":
        """The first of the deployments that this one continues; it holds key, decisions and numbers."""
        first = self
        while first.continues is not None:
            first = first.continues
        return first

    def chain(self) -> list["Deployment"]:
        """Return all deployments that continue each other, including this one, the first one first."""
        deployments = [self.first]
        for one in deployments:
            deployments += one.continued_by.all()
        return deployments

    @property
    def is_watched(self) -> bool:
        """Whether snapshots of it are taken regularly; same rule as `DeploymentQuerySet.watched`."""
        return self.state == self.State.RUNNING and bool(self.every) and self.source != self.Source.UPLOAD

    @property
    def app(self) -> str:
        """Its name at the source: the PostgreSQL database, or the app on a server; "" for an upload."""
        url = urlsplit(self.source_url)
        return unquote(url.path.strip("/") or url.netloc)

    @property
    def server(self) -> str:
        """The host of its source; "" if the source has none."""
        url = urlsplit(self.source_url)
        return url.hostname or "" if url.path.strip("/") else ""

    @property
    def clock(self) -> int:
        """Minutes ahead of UTC, for reading this deployment's times."""
        return self.clock_offset or 0
