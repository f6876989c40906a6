"""The kinds of source there are, by an address and by a deployment. A new one is a class in the list here."""

from collections.abc import Iterator
from contextlib import contextmanager

from psynetdata import credentials
from psynetdata.models import Deployment
from psynetdata.psynet.problems import BadInput, Conflict

from .heroku import Heroku
from .kind import Access, Kind
from .local import Local
from .postgres import Address

KINDS: tuple[Kind, ...] = (Local(), Heroku())


def of_url(url: str) -> Kind:
    """The kind that addresses like this one belong to. Raises BadInput."""
    for kind in KINDS:
        if url.startswith(kind.schemes):
            return kind
    raise BadInput(f"The address of a source is like {' or '.join(kind.example for kind in KINDS)}.")


@contextmanager
def reached(deployment: Deployment) -> Iterator[Address]:
    """Where the database of a deployment's source is, for no longer than the body lasts.

    Raises a Problem that names the reference where a secret is not to be had, and what its kind raises.
    """
    kind = next((kind for kind in KINDS if kind.source == deployment.source), None)
    if kind is None:
        raise Conflict(f"Snapshots of a source of kind {deployment.source} cannot be taken.")
    access = Access(credentials.reveal(deployment.source_secret))
    with kind.reach(kind.locate(deployment.source_url), access) as address:
        yield address
