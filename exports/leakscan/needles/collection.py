"""Collect the values to look for from the raw tables, in several processes."""

from collections.abc import Iterable
from typing import Any, Protocol

from psynetdata.infra import processes as spread
from psynetdata.psynet.table_source import TableSource

from . import table_rows
from .credentials import Credentials
from .ledger_entries import Entry, KnownNeedles
from .materials import Materials
from .needle import Needles
from .people import People
from .public_words import SharedWords, Words
from .said_words import SaidWords

# The rows of nodes are needed to know which assets are personal.
_TOGETHER = ("node", "asset")

Parts = tuple[tuple[str, Any], ...]


def collect(
    source: TableSource,
    *,
    processes: int = 1,
    decided: frozenset[str] = frozenset(),
    ledger: Iterable[Entry] = (),
) -> Needles:
    """Return everything to look for that the raw tables hold, and the ledger of other moments (`ledger_entries`).

    The rules are in `people` (ids of people, e-mail addresses), `materials` (personal assets, folders of the server),
    `credentials` (passwords and secrets), `public_words` and `said_words` (words that identify nobody). `decided`: ids
    of assets that staff allowed to be exported, although people made them.

    Exemptions are applied on top of the ledger: what several people hold, what a public file has too, and last the
    words of the experiment, according to the tables of this moment.
    """
    known = KnownNeedles.sorted_out(ledger)
    tables = _Tables(source, decided, known.assets)
    gathered = _Gathered(tables)
    with spread.pool(processes, tables) as pool:
        _merge_in_order(gathered, pool.each(_gather, enumerate(_tasks(table_rows.source_segments(source)))))
        gathered.add(known)
        gathered.close()
        needles = gathered.needles
        if wanted := needles.typed_words():
            said = SaidWords(wanted)
            _read_again(pool, source, said)
            needles.know_said(said.words.union(*map(said.said_in, needles.words())))
        if wanted := needles.could_be_words():
            shared = SharedWords(wanted)
            _read_again(pool, source, shared)
            needles.know_words(shared.words)
    return needles


class _Tables:
    """A source with the names of its columns, which a worker cannot ask for."""

    def __init__(self, source: TableSource, decided: frozenset[str], personal: frozenset[str]):
        self._source, self.decided, self.personal = source, decided, personal
        self._columns = {table: [column.name for column in source.columns(table)] for table in source.tables()}

    def read(self, parts: Parts, gathered: Any) -> Any:
        """Pass everything in the parts to `gathered`, and return it."""
        for table, part in parts:
            columns = self._columns[table]
            gathered.begin(table, columns)
            for rows, raw in table_rows.chunks(self._source, table, part, len(columns)):
                gathered.chunk(rows, raw)
        return gathered


class _Gatherer(Protocol):
    def begin(self, table: str, columns: list[str]) -> None: ...

    def chunk(self, rows: list[table_rows.Cells], raw: bytes) -> None: ...

    def merge(self, other: Any) -> None:
        """Add what another gatherer of this class found."""

    def close(self) -> None: ...


class _Gathered:
    """All collectors, with needles of their own."""

    def __init__(self, tables: _Tables) -> None:
        self.needles = Needles()
        self._people = People(self.needles)
        self._materials = Materials(self.needles, tables.decided, tables.personal)
        others = (Credentials(self.needles), Words(self.needles))
        self._gatherers: list[_Gatherer] = [self._people, self._materials, *others]

    def begin(self, table: str, columns: list[str]) -> None:
        for gatherer in self._gatherers:
            gatherer.begin(table, columns)

    def chunk(self, rows: list[table_rows.Cells], raw: bytes) -> None:
        for gatherer in self._gatherers:
            gatherer.chunk(rows, raw)

    def add(self, known: KnownNeedles) -> None:
        """Add what other moments held."""
        for value, kind in known.values:
            self.needles.add(value, kind)
        for value, kind in known.typed:
            self.needles.add(value, kind, typed=True)
        for value, holder in known.holders:
            self._people.know(value, holder)
        for asset, value in known.files:
            self._materials.know(value, asset)

    def merge(self, other: "_Gathered") -> None:
        self.needles.merge(other.needles)
        for mine, theirs in zip(self._gatherers, other._gatherers, strict=True):
            mine.merge(theirs)

    def close(self) -> None:
        for gatherer in self._gatherers:
            gatherer.close()


def _tasks(parts: Iterable[tuple[str, Any]]) -> list[Parts]:
    """Return each part as a task; parts that need each other are one task."""
    segments_by_table: dict[Any, Parts] = {}
    for number, part in enumerate(parts):
        key = _TOGETHER if part[0] in _TOGETHER else number
        segments_by_table[key] = (*segments_by_table.get(key, ()), part)
    return list(segments_by_table.values())


def _gather(tables: _Tables, task: tuple[int, Parts]) -> tuple[int, _Gathered]:
    number, parts = task
    return number, tables.read(parts, _Gathered(tables))


def _read_again(pool: spread.Pool, source: TableSource, words: SharedWords | SaidWords) -> None:
    """Let `words` read the parts of all tables in which it may find one of the texts that it wants."""
    segments = [part for part in table_rows.source_segments(source) if words.is_of_interest(part[0])]
    tasks = ((n, part, type(words), words.wanted) for n, part in enumerate(segments))
    _merge_in_order(words, pool.each(_gather_words, tasks))


def _gather_words(
    tables: _Tables, task: tuple[int, tuple[str, Any], type[SharedWords] | type[SaidWords], frozenset[str]]
) -> tuple[int, SharedWords | SaidWords]:
    number, part, kind, wanted = task
    return number, tables.read((part,), kind(wanted))


def _merge_in_order(into: Any, results: Iterable[tuple[int, Any]]) -> None:
    """Merge in the order of the parts, not of arrival: the first kind that a value gets stays."""
    waiting: dict[int, Any] = {}
    following = 0
    for number, result in results:
        waiting[number] = result
        while following in waiting:
            into.merge(waiting.pop(following))
            following += 1
