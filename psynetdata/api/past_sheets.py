"""`snapshot=`, `as_of=` and `since=`: sheets of the past, and changes."""

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

from rest_framework.request import Request

from psynetdata.faces import reading
from psynetdata.models import Deployment
from psynetdata.psynet.csvtext import Row
from psynetdata.psynet.problems import NotFound, UsageError
from psynetdata.sheets import Catalogue, Sheet, history


@dataclass(frozen=True)
class Asked:
    """`moment`: None for the current mirror. `since`: whether it was given. `before`: its moment; None: the start."""

    moment: history.PastData | None
    since: bool
    before: history.PastData | None

    @property
    def is_diff(self) -> bool:
        return self.since and self.moment is not None

    @property
    def names(self) -> list[str]:
        """Names of the moments, for an ETag."""
        return [self.moment.name if self.moment else "now", self.before.name if self.before else str(self.since)]


def asked(request: Request, deployment: Deployment) -> Asked:
    """Return the moments that the URL asks for; raises NotFound, UsageError."""
    snapshot, at, since = (request.query_params.get(name) for name in ("snapshot", "as_of", "since"))
    if snapshot is not None and at is not None:
        raise UsageError("snapshot and as_of both select a moment; use only one of them.")
    moment = before = None
    if snapshot is not None or at is not None:
        moment = history.history().find(deployment, snapshot=snapshot, at=at)
        if moment is None:
            raise NotFound("There is no snapshot from that time or before.")
    if since is not None:
        before = history.history().since(deployment, since)
    return Asked(moment, since is not None, before)


def sheet(asked_for: Asked, current: Catalogue, name: str, held: ExitStack, **choice) -> "Sheet | Diff":
    """Return the requested sheet. Its data is available as long as the ExitStack `held` is open."""
    deployment, face, tables = current.deployment, current.using, current.tables_of(name)
    catalogue = current
    if asked_for.moment:
        catalogue = _opened(asked_for.moment, face, tables, held)
    if not asked_for.since:
        return catalogue.sheet(name, **choice)
    until = asked_for.moment or history.history().find(deployment)
    changes = history.history().changes(asked_for.before, until, catalogue.table_of(name))
    result = catalogue.sheet(name, changes=changes, shows_change=asked_for.is_diff, **choice)
    removed = {identity: kind for identity, kind in changes.items() if kind == history.REMOVED}
    if not asked_for.is_diff or not removed:
        return result
    earlier = _opened(asked_for.before, face, tables, held)
    fields = [
        column for column in result.header if column in earlier.sheet(name, changes={}, shows_change=True).columns
    ]
    choice["fields"] = fields
    return Diff(result, earlier.sheet(name, changes=removed, shows_change=True, **choice))


def _opened(past: history.PastData, face: str, tables: set[str] | None, held: ExitStack) -> Catalogue:
    alias = held.enter_context(history.history().opened(past, face, tables))
    held.enter_context(reading(alias))
    return Catalogue(past.deployment, alias)


class Diff:
    """A sheet of changes: added and changed rows in their later form, then removed rows in their earlier form."""

    is_of_database = False

    def __init__(self, later: Sheet, earlier: Sheet):
        self._later, self._earlier = later, earlier
        self.name, self.header, self.withheld = later.name, later.header, later.withheld

    def total(self) -> int:
        return self._later.total() + self._earlier.total()

    def rows(self) -> Iterator[dict[str, Any]]:
        yield from self._later.rows()
        for row in self._earlier.rows():
            yield {name: row.get(name) for name in self.header}

    def records(self) -> Iterator[Row]:
        yield from self._later.records()
        for cells in self._earlier.records():
            earlier_cells = dict(zip(self._earlier.header, cells, strict=True))
            yield [earlier_cells.get(name) for name in self.header]

    def typed(self) -> tuple[list[str | None], Iterator[Row]]:
        return [None] * len(self.header), self.records()

    def page(self, cursor: str | None, limit: int, *, csv: bool = False):
        raise UsageError("Changes between two moments have no pages; leave out limit and cursor.")
