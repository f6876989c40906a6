"""The kinds of source there are, by an address and by a deployment. A new one is a class in the list here."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager

from psynetdata import credentials
from psynetdata.models import Deployment
from psynetdata.psynet.problems import BadInput, Conflict

from .base import Access, Kind, OpenLogs
from .heroku import Heroku
from .local import Local
from .postgres import Address
from .ssh.source import Ssh

KINDS: tuple[Kind, ...] = (Local(), Ssh(), Heroku())


def of_url(url: str) -> Kind:
    """The kind that addresses like this one belong to. Raises BadInput."""
    for kind in KINDS:
        if url.startswith(kind.schemes):
            return kind
    raise BadInput(f"The address of a source is like {' or '.join(kind.example for kind in KINDS)}.")


def of(deployment: Deployment) -> Kind:
    """Raises Conflict for what was handed in."""
    kind = next((kind for kind in KINDS if kind.source == deployment.source), None)
    if kind is None:
        raise Conflict(f"Snapshots of a source of kind {deployment.source} cannot be taken.")
    return kind


def access(deployment: Deployment) -> Access:
    """What opens its source. Raises a Problem that names the reference where a secret is not to be had."""
    password = credentials.reveal(deployment.source_secret)
    return Access(password, deployment.source_key, deployment.assets_known_hosts)


@contextmanager
def reached(deployment: Deployment) -> Iterator[Address]:
    """Where the database of a deployment's source is, for no longer than the body lasts.

    Raises as `access` does, and what its kind raises.
    """
    kind = of(deployment)
    with kind.reach(kind.locate(deployment.source_url), access(deployment)) as address:
        yield address


@contextmanager
def reached_at(url: str, password: str | None) -> Iterator[Address]:
    """The same for any address, as that of a database to restore into."""
    kind = of_url(url)
    located = kind.locate(url)
    with kind.reach(located, kind.access(located, password)) as address:
        yield address


def has_logs(deployment: Deployment) -> bool:
    return any(kind.source == deployment.source and kind.has_logs for kind in KINDS)


def logs(deployment: Deployment) -> AbstractContextManager[OpenLogs]:
    """The logs of its server. Raises NoLogs, and what its kind raises."""
    kind = of(deployment)
    return kind.logs(kind.locate(deployment.source_url), access(deployment))
