"""Compare two snapshots, table by table; only segments that differ are read."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, closing
from dataclasses import asdict, dataclass, field, replace
from operator import itemgetter
from pathlib import Path
from tempfile import TemporaryDirectory

from django.conf import settings

from exports.clearance.shown_names import ShownNames
from exports.mirroring.mirror import MirrorSource
from exports.models import Snapshot
from exports.store.reader import SnapshotReader
from exports.store.row_sorter import Sorter
from psynetdata.mirror.row_runs import Numbered, Records, by_id, by_text, merge
from psynetdata.psynet import csvtext
from psynetdata.psynet.problems import Damaged
from psynetdata.psynet.tables import Column

_LOOK_EVERY = 1000

Run = Callable[[], Iterator[Numbered]]


@dataclass
class TableDiff:
    """One table of two snapshots. `before` and `after`: its rows, None if there is no such table.

    `changed`: rows with the same id that differ; a table without ids has only added and removed ones. If columns
    differ, rows are compared in the columns that both have. `retyped`: {column: [type before, type after]}.
    `ids`: {"added" | "changed" | "removed": the first few ids}, if they were asked for.
    """

    table: str
    before: int | None
    after: int | None
    added: int = 0
    changed: int = 0
    removed: int = 0
    columns_added: list[str] = field(default_factory=list)
    columns_removed: list[str] = field(default_factory=list)
    retyped: dict[str, list[str | None]] = field(default_factory=dict)
    ids: dict[str, list[int]] = field(default_factory=dict)

    @property
    def same(self) -> bool:
        return not (
            self.added or self.changed or self.removed or self.columns_added or self.columns_removed or self.retyped
        ) and (self.before is None) == (self.after is None)

    def named(self, names: ShownNames) -> "TableDiff":
        """Return it with the names that a caller may see."""
        return replace(
            self,
            table=names.name(self.table),
            columns_added=[names.name(name) for name in self.columns_added],
            columns_removed=[names.name(name) for name in self.columns_removed],
            retyped={names.name(name): types for name, types in self.retyped.items()},
        )

    def to_json(self) -> dict:
        return asdict(self)


def diff(
    before: Snapshot, after: Snapshot, *, ids: int = 0, on_progress: Callable[[str], None] | None = None
) -> list[TableDiff]:
    """Compare all tables of both snapshots, by name. `ids`: how many ids to list of each kind. `on_progress(table)` may
    raise.

    Raises Damaged if stored rows cannot be read, or do not add up to the counts of the snapshots (law 7).
    """
    old, new = SnapshotReader(before), MirrorSource(after)
    return [_table(table, old, new, ids, on_progress) for table in sorted({*before.tables, *after.tables})]


def to_read(before: Snapshot, after: Snapshot) -> int:
    """Return how many rows `diff` would read, of both snapshots together."""
    old, new = SnapshotReader(before), SnapshotReader(after)
    count = 0
    for table in before.tables.keys() & after.tables.keys():
        if differ(before.tables[table], after.tables[table]):
            was, is_now = old.table_state(table), new.table_state(table)
            alike = was.cut == is_now.cut and [one.name for one in was.columns] == [one.name for one in is_now.columns]
            # Segments in both are the same bytes, and are skipped.
            both = {one.sha256 for one in was.segments} & {one.sha256 for one in is_now.segments} if alike else ()
            count += sum(one.rows for one in (*was.segments, *is_now.segments) if one.sha256 not in both)
    return count


def to_json(before: Snapshot, after: Snapshot, differences: list[TableDiff]) -> dict:
    """Return {"before", "after", "same_deployment", "tables": those that differ, "same": number of the others}."""
    differing = [one.to_json() for one in differences if not one.same]
    return {
        "before": before.pk,
        "after": after.pk,
        "same_deployment": before.deployment_id == after.deployment_id,
        "tables": differing,
        "same": len(differences) - len(differing),
    }


def _table(table: str, old: SnapshotReader, new: MirrorSource, ids: int, on_progress) -> TableDiff:
    was, is_now = old.snapshot.tables.get(table), new.snapshot.tables.get(table)
    difference = TableDiff(table, was and was["rows"], is_now and is_now["rows"])
    if is_now is None:
        difference.removed = difference.before
    elif was is None:
        difference.added = difference.after
    elif differ(was, is_now):
        _compare_columns(difference, old.columns(table), new.columns(table))
        with ExitStack() as files:
            for before, after in _segment_pairs(table, old, new, files):
                _count(difference, merge(before(), after()), ids, on_progress)
        if difference.before - difference.removed + difference.added != difference.after:
            raise Damaged(f"Table {table}: the added and removed rows do not add up to the rows of {new.snapshot}.")
    return difference


def differ(was: dict | None, is_now: dict | None) -> bool:
    """Return whether a table differs, from its entries in Snapshot.tables; None if there is no such table."""
    if was is None or is_now is None:
        return was is not is_now
    if was["state"] == is_now["state"]:
        return False
    # A state that was read again has another name for the same rows; the hash of its content decides.
    return was.get("content") is None or was["content"] != is_now.get("content")


def _compare_columns(difference: TableDiff, old: list[Column], new: list[Column]) -> None:
    was, is_now = ({column.name: column.type for column in columns} for columns in (old, new))
    difference.columns_added = [name for name in is_now if name not in was]
    difference.columns_removed = [name for name in was if name not in is_now]
    difference.retyped = {
        name: [was[name], is_now[name]] for name in was if name in is_now and was[name] != is_now[name]
    }


def _segment_pairs(table: str, old: SnapshotReader, new: MirrorSource, files: ExitStack) -> Iterator[tuple[Run, Run]]:
    """Yield pairs of ordered runs that hold all rows that differ."""
    old_names, new_names = ([column.name for column in reader.columns(table)] for reader in (old, new))
    have_ids = [reader.table_state(table).cut is not None for reader in (old, new)]
    if old_names == new_names and have_ids[0] == have_ids[1]:
        number = by_id(new.columns(table)) if all(have_ids) else by_text
        for before, after in new.changes(table, old.snapshot.tables[table]["state"]):
            yield _numbered(number, before), _numbered(number, after)
        return
    shared = [name for name in new_names if name in old_names]
    pair = ((old, old_names), (new, new_names))
    if all(have_ids):
        yield tuple(_with_ids(reader, table, names, shared) for reader, names in pair)
    else:
        yield tuple(_by_order(reader, table, names, shared, files) for reader, names in pair)


def _numbered(number: Callable[[Records], Iterator[Numbered]], run: Callable[[], Records] | None) -> Run:
    return lambda: number(run() if run else ())


def _with_ids(reader: SnapshotReader, table: str, names: list[str], shared: list[str]) -> Run:
    take, at = _taker(names, shared), names.index("id")
    return lambda: ((int(cells[at]), cells[at], take(cells)) for cells in reader.rows(table))


def _by_order(reader: SnapshotReader, table: str, names: list[str], shared: list[str], files: ExitStack) -> Run:
    """Return the rows reduced to the shared columns. They are not in order then; a file on disk sorts them."""
    take = _taker(names, shared)
    folder = files.enter_context(TemporaryDirectory(dir=settings.TEMP_DIR, prefix="diff-"))
    sorter = files.enter_context(closing(Sorter(Path(folder) / "rows.sqlite3", by_id=False)))
    sorter.fill(((None, csvtext.format_row(take(cells))) for cells in reader.rows(table)), ValueError)
    return lambda: by_text(map(itemgetter(1), sorter.rows()))


def _taker(names: list[str], wanted: list[str]) -> Callable[[list], list]:
    places = [names.index(name) for name in wanted]
    return lambda cells: [cells[place] for place in places]


def _count(difference: TableDiff, rows: Iterable[tuple], ids: int, on_progress) -> None:
    for kind, identity in _kinds(rows, difference.table, on_progress):
        _note(difference, kind, identity, ids)


def changes(before: Snapshot | None, after: Snapshot, table: str) -> Iterator[tuple[str, str]]:
    """Yield (identity, "added" | "changed" | "removed") of each row of a table that differs; all rows of `after`
    if there is nothing before. An identity finds the row in the mirror (psynetdata.mirror.row_runs)."""
    new = MirrorSource(after)
    old = None if before is None or table not in before.tables else SnapshotReader(before)
    if table not in after.tables:
        return
    if old is None:
        number = by_id(new.columns(table)) if new.has_ids(table) else by_text
        yield from ((identity, "added") for _, identity, _ in number(new.records(table)))
    elif differ(before.tables[table], after.tables[table]):
        with ExitStack() as files:
            for was, is_now in _segment_pairs(table, old, new, files):
                yield from ((identity, kind) for kind, identity in _kinds(merge(was(), is_now()), table))


def _kinds(rows: Iterable[tuple], table: str, on_progress=None) -> Iterator[tuple[str, str]]:
    """Yield ("added" | "changed" | "removed", identity) from two merged runs.

    A changed row appears as an old and a new one with the same identity, one after the other.
    """
    waiting = None
    for number, (side, identity, _) in enumerate(rows):
        if on_progress and number % _LOOK_EVERY == 0:
            on_progress(table)
        if waiting is not None:
            changed = side == "new" and identity == waiting
            yield "changed" if changed else "removed", waiting
            waiting = None
            if changed:
                continue
        if side == "old":
            waiting = identity
        elif side == "new":
            yield "added", identity
    if waiting is not None:
        yield "removed", waiting


def _note(difference: TableDiff, kind: str, identity: str, ids: int) -> None:
    setattr(difference, kind, getattr(difference, kind) + 1)
    if ids and identity.lstrip("-").isdecimal():
        listed = difference.ids.setdefault(kind, [])
        if len(listed) < ids:
            listed.append(int(identity))
