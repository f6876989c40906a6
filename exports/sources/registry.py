"""The kinds of source, by address and by deployment. To add a kind, add its class to the list here."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager

from psynetdata import credentials
from psynetdata.models import Deployment
from psynetdata.psynet.problems import BadInput, Conflict

from .base import Access, OpenLogs, SourceKind
from .heroku import Heroku
from .local import Local
from .postgres import Address
from .ssh.source import Ssh

KINDS: tuple[SourceKind, ...] = (Local(), Ssh(), Heroku())


def kind_of_url(url: str) -> SourceKind:
    """Return the kind of this address. Raises BadInput."""
    for kind in KINDS:
        if url.startswith(kind.schemes):
            return kind
    raise BadInput(f"Write the address of a source like {' or '.join(kind.example for kind in KINDS)}.")


def kind_of(deployment: Deployment) -> SourceKind:
    """Return the kind of the deployment's source. Raises Conflict if it was loaded from a file."""
    kind = next((kind for kind in KINDS if kind.source == deployment.source), None)
    if kind is None:
        raise Conflict(f"Snapshots of a source of kind {deployment.source} cannot be taken.")
    return kind


def access(deployment: Deployment) -> Access:
    """Return what opens its source. Raises a Problem that names the reference if a secret cannot be read."""
    password = credentials.reveal(deployment.source_secret)
    return Access(password, deployment.source_key, deployment.assets_known_hosts)


@contextmanager
def reached(deployment: Deployment) -> Iterator[Address]:
    """Yield the address of the deployment's database, valid while the body runs.

    Raises what `access` and the kind of source raise.
    """
    kind = kind_of(deployment)
    with kind.reach(kind.locate(deployment.source_url), access(deployment)) as address:
        yield address


@contextmanager
def reached_at(url: str, password: str | None) -> Iterator[Address]:
    """Yield the address of any database, such as one to restore into, valid while the body runs."""
    kind = kind_of_url(url)
    located = kind.locate(url)
    with kind.reach(located, kind.access(located, password)) as address:
        yield address


def has_logs(deployment: Deployment) -> bool:
    return any(kind.source == deployment.source and kind.has_logs for kind in KINDS)


def logs(deployment: Deployment) -> AbstractContextManager[OpenLogs]:
    """Open the logs of its server. Raises NoLogs, and what the kind of source raises."""
    kind = kind_of(deployment)
    return kind.logs(kind.locate(deployment.source_url), access(deployment))
