"""Words of the experiment itself: an id that equals one of them cannot be told from it.

Someone signed in as `control` where a group is called so: the word stands in public columns by right. So does what
several people were shown or answered: it points to none of them. Such ids are looked for in columns and keys that
say identity, see `strength`.
"""

from collections import defaultdict
from collections.abc import Iterator
from typing import TYPE_CHECKING

from psynetdata.psynet.source import TableSource

from . import names
from .jsonwalk import texts

if TYPE_CHECKING:
    from .needles import Needles

_COLUMN_NAMES = """
type mode status recruiter_id module_id trial_maker_id local_key participant_group chain_type page_type question
data_type extension block kind event_type method browser_platform sync_group_type group_type role barrier_class
trial_status label
"""
_COLUMNS = frozenset(_COLUMN_NAMES.split())
# What the experimenter wrote, as JSON; of nodes only those that no trial made.
_WRITTEN = {("node", "definition"), ("node", "seed"), ("node", "context"), ("network", "definition")}
_WRITTEN |= {("network", "context"), ("experiment", "vars"), ("experiment_status", "extra_info")}
_LONGEST = 60
# Named by the code or the settings of the experiment, where no participant's id gets in: a part of it counts too.
_NAMED_BY_CODE = frozenset({"type", "module_id", "trial_maker_id"})
_SETTINGS = ("experiment", "experiment_status")
_SHARED = {"info": ("definition", "answer"), "response": ("answer",)}
SEVERAL = 3


class Words:
    """Gathers public words row by row."""

    def __init__(self, needles: "Needles"):
        self._needles = needles
        self._words: set[str] = set()
        self._code: set[str] = set()
        self._columns: list[str] = []
        self._seen: set[tuple[str, str]] = set()

    def begin(self, table: str, columns: list[str]) -> None:
        """A table's rows follow: most of its columns are never looked at."""
        self._columns = [name for name in columns if name in _COLUMNS or (table, name) in _WRITTEN]

    def row(self, table: str, cells: dict[str, str]) -> None:
        """Take one row: {column: text}, NULL left out."""
        for column in self._columns:
            cell = cells.get(column)
            if not cell:
                continue
            is_label = column in _COLUMNS
            is_text = (table, column) in _WRITTEN and not _made_by_people(cells)
            if not (is_label or is_text) or (column, cell) in self._seen:
                continue
            self._seen.add((column, cell))
            found = [cell.rpartition(".")[2] if column == "type" else cell] if is_label else list(_written(cell))
            self._words.update(found)
            if column in _NAMED_BY_CODE or table in _SETTINGS:
                self._code.update(found)

    def close(self) -> None:
        self._needles.know_words(self._words, self._code)


def shared_words(source: TableSource, wanted: frozenset[str]) -> set[str]:
    """Those of the wanted texts (in lower case) that SEVERAL people or more were shown, or answered."""
    holders: dict[str, set[str]] = defaultdict(set)
    for table, columns in _SHARED.items() if wanted else ():
        if table not in source.tables():
            continue
        names_ = [column.name for column in source.columns(table)]
        for row in source.rows(table):
            cells = dict(zip(names_, row, strict=False))
            who = cells.get("participant_id")
            for column in columns if who else ():
                for key, value in texts(cells.get(column) or "", parameters=False):
                    for text in {value.strip().lower(), (key or "").lower()} & wanted:
                        holders[text].add(who)
    return {text for text, people in holders.items() if len(people) >= SEVERAL}


def _written(cell: str) -> Iterator[str]:
    for key, value in texts(cell, parameters=False):
        if not (key and (names.kind_of(key) or names.SECRET_KEY.search(key))):
            yield from (word for word in (key or "", value) if len(word) <= _LONGEST)


def _made_by_people(cells: dict[str, str]) -> bool:
    return bool(cells.get("parent_id") or cells.get("participant_id"))
