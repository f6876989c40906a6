"""Protocols for sheets of the past and changes since then. The implementation registers here.

psynetdata does not use snapshots. exports.history.past_sheets, which does, registers an object with these methods.
"""

from contextlib import AbstractContextManager
from typing import Protocol

from psynetdata.models import Deployment
from psynetdata.psynet.problems import Problem

ADDED, CHANGED, REMOVED = "added", "changed", "removed"


class PastData(Protocol):
    """A moment of a deployment's data; `name` is unique, `deployment` is the deployment."""

    name: str
    deployment: Deployment


class History(Protocol):
    def find(self, deployment: Deployment, *, snapshot: str | None = None, at: str | None = None) -> PastData | None:
        """Return a snapshot by its number, or the newest good one at a time; the newest of all without arguments.

        Returns None if there was no snapshot yet at that time. Raises NotFound, UsageError.
        """

    def since(self, deployment: Deployment, asked: str) -> PastData | None:
        """Return the moment that `since=` names: a snapshot's number or a time."""

    def opened(self, past: PastData, face: str, tables: set[str] | None) -> AbstractContextManager[str]:
        """Return a temporary database alias that shows the moment on a face; `tables`: the ones that are needed."""

    def changes(self, before: PastData | None, after: PastData, table: str) -> dict[str, str]:
        """Return {identity of the row in the mirror: ADDED, CHANGED or REMOVED} from one moment to another."""


_histories: list[History] = []


class NoHistory(Problem):
    status = 404

    def __init__(self):
        super().__init__("No history is kept here.")


def register(history: History) -> None:
    _histories[:] = [history]


def history() -> History:
    if not _histories:
        raise NoHistory
    return _histories[0]
