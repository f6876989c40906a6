"""The deployment and the face that `Trial.query` and similar see. Set during a call of get_basic_data."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from psynetdata.models import Deployment
from psynetdata.sheets.catalogue import Catalogue


class Scope:
    """One deployment on one face, and the related rows that were already fetched."""

    def __init__(self, deployment: Deployment, using: str):
        self.deployment = deployment
        self.using = using
        self.catalogue = Catalogue(deployment, using)
        # {(table, id): row or None}
        self.followed: dict[tuple[str, int], object] = {}


_current: ContextVar[Scope | None] = ContextVar("scope of sheets", default=None)


@contextmanager
def scope(deployment: Deployment, using: str) -> Iterator[Scope]:
    """Inside, `Trial.query` sees the rows of `deployment` on the face (database alias) `using`, and nothing else."""
    new_scope = Scope(deployment, using)
    token = _current.set(new_scope)
    try:
        yield new_scope
    finally:
        _current.reset(token)


def current() -> Scope:
    active = _current.get()
    if active is None:
        raise RuntimeError(
            "No deployment is selected: `query` works inside get_basic_data, or inside "
            "psynetdata.sheets.basic_data.scope(deployment, using)."
        )
    return active
