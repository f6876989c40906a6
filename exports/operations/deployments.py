"""Operations on deployments: register a running one, pause, resume, archive."""

from dataclasses import dataclass
from pathlib import Path

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from exports.server import logs
from exports.sources import registry
from exports.sources.base import Access, Located, SourceKind
from exports.sources.probe import Probe, probe
from exports.sources.ssh.host_keys import SshHostKey, merged
from exports.store.snapshot_record import deployment_id_of, describe
from psynetdata import credentials, jobs
from psynetdata.models import Audit, Deployment
from psynetdata.psynet.problems import Conflict, UsageError

from .asset_location import AssetLocationSettings, key_for, put

EVERY = 60  # seconds; the default and the minimum
_LONGEST_EVERY = 7 * 24 * 3600


@dataclass(frozen=True)
class InspectedSource:
    """What was found at an address, and its deployment_id. Looking writes nothing."""

    kind: SourceKind
    located: Located
    access: Access
    probe: Probe
    deployment_id: str


@dataclass(frozen=True)
class AddedDeployment:
    """A registered deployment. `created`: False if it was already known here and its source was set or changed."""

    deployment: Deployment
    probe: Probe
    created: bool


def inspect_source(
    url: str, *, deployment_id: str | None = None, password: str | None = None, key: str = "", known_hosts: str = ""
) -> InspectedSource:
    """Connect to a source's address and report what is there. `password` replaces the one in `url`.

    `key` and `known_hosts` are as in Access.

    Raises what a connection can raise; BadInput if `url` is not an address, or if the database there is not an
    experiment's or belongs to another deployment than `deployment_id`; and Conflict if the address is already watched
    for another deployment.
    """
    kind = registry.kind_of_url(url)
    located = kind.locate(url)
    access = Access(located.password if password is None else password, key, known_hosts)
    source_probe = probe(kind, located, access)
    way_out = " (PsyNet writes that at launch); give it one (--id ID, or the field of that name)."
    named = deployment_id_of(source_probe.info, deployment_id, label=located.label, way_out=way_out)
    _check_free(located.url, named)
    return InspectedSource(kind, located, access, source_probe, named)


def add(
    url: str,
    *,
    deployment_id: str | None = None,
    label: str | None = None,
    assets: str | None = None,
    every: int | None = None,
    password: str | None = None,
    password_env: str | None = None,
    key: str = "",
    known_hosts: str = "",
    user=None,
) -> AddedDeployment:
    """Register the experiment at a source's address after a look at it. If the look fails, nothing is written.

    `deployment_id` names the deployment where its database does not; where it does, the two must agree. A `password`,
    or one in `url`, is encrypted and stored apart; `password_env` names the environment variable that holds it
    instead. `every`: seconds between snapshots, 60 or more; 0: only on request. `key` refers to a private SSH key,
    which also opens an SFTP server that `assets` names without a password; `known_hosts` is the line of the host key
    that somebody has confirmed (`host_key`).
    """
    every = checked_every(EVERY if every is None else every)
    place = AssetLocationSettings(url=assets or None, key=key_for(assets, key))
    if password_env:
        password = credentials.reveal(f"env:{password_env}")
    inspected = inspect_source(url, deployment_id=deployment_id, password=password, key=key, known_hosts=known_hosts)
    located, source_probe, named = inspected.located, inspected.probe, inspected.deployment_id
    with transaction.atomic():
        _check_free(located.url, named)
        deployment, created = Deployment.objects.select_for_update().get_or_create(deployment_id=named)
        if deployment.clock_offset is None:
            deployment.clock_offset = source_probe.info.clock_offset
        describe(deployment, source_probe.info)
        deployment.label = label or deployment.label
        if source_probe.assets and not assets and deployment.assets_url in ("", source_probe.assets):
            place = AssetLocationSettings(url=source_probe.assets, key=key)
        put(deployment, place)
        if deployment.source_url != located.url:
            deployment.source_secret = ""  # it belongs to the old address and must not be sent to another
        deployment.source, deployment.source_url = inspected.kind.source, located.url
        deployment.source_key = key
        if known_hosts:
            deployment.assets_known_hosts = merged(deployment.assets_known_hosts, known_hosts)
        deployment.state, deployment.every = Deployment.State.RUNNING, every
        deployment.due_at = timezone.now() if every else None
        if password_env:
            deployment.source_secret = f"env:{password_env}"
        elif inspected.access.password is not None:
            deployment.source_secret = credentials.keep(f"source {deployment.number}", inspected.access.password)
        deployment.save()
        vouched = {"host_key": SshHostKey(known_hosts).fingerprint} if known_hosts else {}
        Audit.record("add", user=user, deployment=deployment, target=deployment.deployment_id, **vouched)
    return AddedDeployment(deployment, source_probe, created)


def connect(deployment: Deployment) -> Probe:
    """Check that the deployment's source answers and accepts us as for a snapshot. Return what is there; save nothing.

    Raises Conflict if it has no source, and what a connection can raise.
    """
    if deployment.source == Deployment.Source.UPLOAD:
        raise Conflict(f"Deployment {deployment.deployment_id} was loaded from a file; there is nothing to connect to.")
    kind = registry.kind_of_url(deployment.source_url)
    return probe(kind, kind.locate(deployment.source_url), registry.access(deployment))


def host_key(url: str, *, fingerprint: str = "") -> SshHostKey | None:
    """Return the host key that someone has to confirm before `inspect_source` and `add`, as the server shows it now.

    None if the source has no host key. With `fingerprint`: the server's key with this fingerprint, whichever others it
    has. Raises Unreachable, and Refused if no key of the server has the fingerprint.
    """
    kind = registry.kind_of_url(url)
    return kind.host_key(kind.locate(url), fingerprint=fingerprint)


def key_reference(*, file: str | None = None, variable: str | None = None) -> str:
    """Return a reference to a private SSH key: a file, an environment variable, or SSH_KEY if neither is given.

    Raises UsageError if both are given, and Problem if it is not a private key.
    """
    if file and variable:
        raise UsageError("Give one private key, either as a file or as a variable.")
    if file and "PRIVATE KEY" in file:
        raise UsageError("Give the name of a file; put a private key itself into a variable (--key-env).")
    file = file or (settings.SSH_KEY if not variable else "")
    reference = f"env:{variable}" if variable else f"file:{Path(file).expanduser().absolute()}" if file else ""
    credentials.reveal(reference)
    return reference


def pause(deployment: Deployment, *, user=None) -> None:
    """Stop taking scheduled snapshots of it. A snapshot that somebody asks for is still taken."""
    _move(deployment, Deployment.State.PAUSED, "pause", user, (Deployment.State.RUNNING,))


def resume(deployment: Deployment, *, user=None) -> None:
    """Take scheduled snapshots again, from now on. Raises Conflict if it has no source or its address is in use."""
    if deployment.source == Deployment.Source.UPLOAD:
        raise Conflict(
            f"Deployment {deployment.deployment_id} was loaded from a file and has no source to watch; "
            "register its database with `manage.py deployment add`."
        )
    with transaction.atomic():
        _check_free(deployment.source_url, deployment.deployment_id)
        states = (Deployment.State.PAUSED, Deployment.State.FINISHED, Deployment.State.ARCHIVED)
        _move(deployment, Deployment.State.RUNNING, "resume", user, states)


def archive(deployment: Deployment, *, user=None) -> None:
    """Close a deployment: it is not watched any more, its history stays, its logs are read a last time."""
    if logs.can_be_read(deployment):
        jobs.submit(logs.KIND, deployment=deployment, owner=user)
    _move(deployment, Deployment.State.ARCHIVED, "archive", user, (*Deployment.OPEN, Deployment.State.FINISHED))


def set_every(deployment: Deployment, every: int, *, user=None) -> None:
    """Set the seconds between snapshots; 0: only on request. Raises UsageError."""
    deployment.every = checked_every(every)
    deployment.due_at = timezone.now() if every else None
    deployment.save(update_fields=["every", "due_at"])
    Audit.record("schedule", user=user, deployment=deployment, target=deployment.deployment_id, every=every)


def _move(deployment: Deployment, state: str, verb: str, user, among: tuple[str, ...]) -> None:
    due = timezone.now() if state == Deployment.State.RUNNING and deployment.every else None
    with transaction.atomic():
        moved = Deployment.objects.filter(pk=deployment.pk, state__in=among).update(state=state, due_at=due)
        if not moved:
            deployment.refresh_from_db()
            raise Conflict(f"Deployment {deployment.deployment_id} is {deployment.state}; nothing was changed.")
        deployment.state, deployment.due_at = state, due
        Audit.record(verb, user=user, deployment=deployment, target=deployment.deployment_id)


def checked_every(every: int) -> int | None:
    """Return the value for Deployment.every: None for 0. Raises UsageError."""
    if every == 0:
        return None
    if not EVERY <= every <= _LONGEST_EVERY:
        raise UsageError(
            f"Snapshots can be taken every {EVERY} to {_LONGEST_EVERY} seconds (a week), not every {every}; "
            "0 means only on request."
        )
    return every


def _check_free(url: str, deployment_id: str) -> None:
    """Raise Conflict if another deployment's address is `url`. The next snapshot finds a new launch there by itself."""
    here = Deployment.objects.filter(source_url=url, state__in=Deployment.OPEN)
    other = here.exclude(deployment_id=deployment_id).first() if url else None
    if other:
        raise Conflict(
            f"That address is already watched, for deployment {other.deployment_id}. Take a snapshot of that one "
            "(`manage.py snapshot`), which finds the experiment that runs there now, or archive it first."
        )
