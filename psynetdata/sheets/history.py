"""Sheets as they were, and what changed since: kept by somebody who holds the history, and registers here.

psynetdata knows no snapshot. Whoever does (exports.history.past_sheets) gives an object with these methods.
"""

from contextlib import AbstractContextManager
from typing import Protocol

from psynetdata.models import Deployment
from psynetdata.psynet.problems import Problem

ADDED, CHANGED, REMOVED = "added", "changed", "removed"


class Moment(Protocol):
    """A moment of a deployment's data; `name` tells it from all others, `deployment` is whose it is."""

    name: str
    deployment: Deployment


class History(Protocol):
    def moment(self, deployment: Deployment, *, snapshot: str | None = None, at: str | None = None) -> Moment | None:
        """A snapshot by its number, or the newest good one at a time; the newest of all where neither is told.

        None where there was none yet at that time. Raises NotFound, UsageError.
        """

    def since(self, deployment: Deployment, asked: str) -> Moment | None:
        """What `since=` names: a snapshot's number or a time."""

    def opened(self, moment: Moment, face: str, tables: set[str] | None) -> AbstractContextManager[str]:
        """A database alias that shows the moment on a face, and is gone afterwards; `tables`: those needed."""

    def changes(self, before: Moment | None, after: Moment, table: str) -> dict[str, str]:
        """{what finds the row in the mirror: ADDED, CHANGED or REMOVED} from one moment to another."""


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
