"""Verbs on deployments: register one that runs, pause, resume, archive."""

from dataclasses import dataclass
from pathlib import Path

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from exports.server import logs
from exports.sources import registry
from exports.sources.base import Access, Kind, Located
from exports.sources.probe import Probe, probe
from exports.sources.ssh.host_keys import HostKey, merged
from exports.store.snapshot_record import deployment_id_of, describe
from psynetdata import credentials, jobs
from psynetdata.models import Audit, Deployment
from psynetdata.psynet.problems import Conflict, UsageError

from .asset_location import AssetPlace, put

EVERY = 60  # seconds; the default, and the least
_LONGEST_EVERY = 7 * 24 * 3600


@dataclass(frozen=True)
class Looked:
    """What is at an address, and the deployment_id that it goes by. Nothing is written for it."""

    kind: Kind
    located: Located
    access: Access
    probe: Probe
    deployment_id: str


@dataclass(frozen=True)
class Added:
    """`created`: False where the deployment was known here and its source was set or changed."""

    deployment: Deployment
    probe: Probe
    created: bool


def look(
    url: str, *, deployment_id: str | None = None, password: str | None = None, key: str = "", known_hosts: str = ""
) -> Looked:
    """Connect to a source's address and see what is there. `password` stands for the one in `url`.

    `key` and `known_hosts` as in Access.

    Raises what a connection can raise, BadInput where it is no address, no experiment or another than `deployment_id`,
    and Conflict where the address is watched for another.
    """
    kind = registry.of_url(url)
    located = kind.locate(url)
    access = Access(located.password if password is None else password, key, known_hosts)
    found = probe(kind, located, access)
    way_out = " (PsyNet writes that at launch); give it one (--id ID, or the field of that name)."
    named = deployment_id_of(found.info, deployment_id, label=located.label, way_out=way_out)
    _check_free(located.url, named)
    return Looked(kind, located, access, found, named)


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
) -> Added:
    """Register the experiment at a source's address, after a look at it. Nothing is written where that fails.

    `deployment_id` names it where its database does not, and guards against another's where it does. A `password`,
    or one in `url`, is sealed and kept apart; `password_env` names the variable that holds it instead. `every`:
    seconds between snapshots, 60 or more; 0: only when asked for. `key` refers to a private SSH key, `known_hosts` is
    the line of the host key that somebody vouched for (`host_key`).
    """
    every, place = checked_every(EVERY if every is None else every), AssetPlace(url=assets or None)
    if password_env:
        password = credentials.reveal(f"env:{password_env}")
    looked = look(url, deployment_id=deployment_id, password=password, key=key, known_hosts=known_hosts)
    located, found, named = looked.located, looked.probe, looked.deployment_id
    with transaction.atomic():
        _check_free(located.url, named)
        deployment, created = Deployment.objects.select_for_update().get_or_create(deployment_id=named)
        if deployment.clock_offset is None:
            deployment.clock_offset = found.info.clock_offset
        describe(deployment, found.info)
        deployment.label = label or deployment.label
        if found.assets and not assets and deployment.assets_url in ("", found.assets):
            place = AssetPlace(url=found.assets, key=key)
        put(deployment, place)
        if deployment.source_url != located.url:
            deployment.source_secret = ""  # it is for the old address, and must not be sent to another
        deployment.source, deployment.source_url = looked.kind.source, located.url
        deployment.source_key = key
        if known_hosts:
            deployment.assets_known_hosts = merged(deployment.assets_known_hosts, known_hosts)
        deployment.state, deployment.every = Deployment.State.RUNNING, every
        deployment.due_at = timezone.now() if every else None
        if password_env:
            deployment.source_secret = f"env:{password_env}"
        elif looked.access.password is not None:
            deployment.source_secret = credentials.keep(f"source {deployment.number}", looked.access.password)
        deployment.save()
        vouched = {"host_key": HostKey(known_hosts).fingerprint} if known_hosts else {}
        Audit.record("add", user=user, deployment=deployment, target=deployment.deployment_id, **vouched)
    return Added(deployment, found, created)


def connect(deployment: Deployment) -> Probe:
    """Whether its source answers and lets us in as a snapshot would; what is there. Nothing is kept.

    Raises Conflict where it has no source, and what a connection can raise.
    """
    if deployment.source == Deployment.Source.UPLOAD:
        raise Conflict(
            f"Deployment {deployment.deployment_id} was handed in as a file; there is nothing to connect to."
        )
    kind = registry.of_url(deployment.source_url)
    return probe(kind, kind.locate(deployment.source_url), registry.access(deployment))


def host_key(url: str, *, fingerprint: str = "") -> HostKey | None:
    """The host key that someone has to vouch for before `look` and `add`: what the server shows now; None: it has none.

    With `fingerprint` the one that has it, whatever others the server has. Raises Unreachable, and Refused where none
    has it.
    """
    kind = registry.of_url(url)
    return kind.host_key(kind.locate(url), fingerprint=fingerprint)


def key_reference(*, file: str | None = None, variable: str | None = None) -> str:
    """Names a private SSH key: a file, a variable of the environment, or SSH_KEY where neither is given.

    Raises UsageError for both, and Problem where it is no private key.
    """
    if file and variable:
        raise UsageError("Give one private key, as a file or as a variable.")
    if file and "PRIVATE KEY" in file:
        raise UsageError("Give the name of a file; a private key itself goes into a variable (--key-env).")
    file = file or (settings.SSH_KEY if not variable else "")
    reference = f"env:{variable}" if variable else f"file:{Path(file).expanduser().absolute()}" if file else ""
    credentials.reveal(reference)
    return reference


def pause(deployment: Deployment, *, user=None) -> None:
    """Take no snapshots of it by itself any more; one that is asked for is still taken."""
    _move(deployment, Deployment.State.PAUSED, "pause", user, (Deployment.State.RUNNING,))


def resume(deployment: Deployment, *, user=None) -> None:
    """Watch it again, at once."""
    if deployment.source == Deployment.Source.UPLOAD:
        raise Conflict(
            f"Deployment {deployment.deployment_id} was handed in as a file and has no source to watch; "
            "register its database with `manage.py deployment add`."
        )
    with transaction.atomic():
        _check_free(deployment.source_url, deployment.deployment_id)
        states = (Deployment.State.PAUSED, Deployment.State.FINISHED, Deployment.State.ARCHIVED)
        _move(deployment, Deployment.State.RUNNING, "resume", user, states)


def archive(deployment: Deployment, *, user=None) -> None:
    """It is over: watched no more, its history and its last snapshot stay; its server's logs are read a last time."""
    if logs.can_be_read(deployment):
        jobs.submit(logs.KIND, deployment=deployment, owner=user)
    _move(deployment, Deployment.State.ARCHIVED, "archive", user, (*Deployment.OPEN, Deployment.State.FINISHED))


def set_every(deployment: Deployment, every: int, *, user=None) -> None:
    """Seconds between snapshots; 0: only when asked for."""
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
    """As Deployment.every holds it. Raises UsageError."""
    if every == 0:
        return None
    if not EVERY <= every <= _LONGEST_EVERY:
        raise UsageError(
            f"Snapshots can be taken every {EVERY} to {_LONGEST_EVERY} seconds (a week), not every {every}; "
            "0 means only when asked for."
        )
    return every


def _check_free(url: str, deployment_id: str) -> None:
    """One address is watched for one deployment; a new launch there is found by its next snapshot."""
    here = Deployment.objects.filter(source_url=url, state__in=Deployment.OPEN)
    other = here.exclude(deployment_id=deployment_id).first() if url else None
    if other:
        raise Conflict(
            f"That address is watched already, for deployment {other.deployment_id}; take a snapshot of that one "
            "(`manage.py snapshot`), which finds what runs there now, or archive it first."
        )
