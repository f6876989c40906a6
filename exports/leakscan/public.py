"""Words of the experiment itself: an id that equals one of them cannot be told from it.

Someone signed in as `control` where a group is called so: the word stands in public columns by right. Such
ids are looked for in columns and keys that say identity, see `strength`.
"""

from typing import TYPE_CHECKING

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


class Words:
    """Gathers public words row by row."""

    def __init__(self, needles: "Needles"):
        self._needles = needles
        self._words: set[str] = set()
        self._seen: set[str] = set()

    def row(self, table: str, cells: dict[str, str]) -> None:
        """Take one row: {column: text}, NULL left out."""
        for column, cell in cells.items():
            if column in _COLUMNS and cell not in self._seen:
                self._seen.add(cell)
                self._words.add(cell.rpartition(".")[2] if column == "type" else cell)
            elif (table, column) in _WRITTEN and not _made_by_people(cells) and cell not in self._seen:
                self._seen.add(cell)
                for key, value in texts(cell, parameters=False):
                    if not (key and (names.kind_of(key) or names.SECRET_KEY.search(key))):
                        self._words.update(word for word in (key or "", value) if len(word) <= _LONGEST)

    def close(self) -> None:
        self._needles.know_words(self._words)


def _made_by_people(cells: dict[str, str]) -> bool:
    return bool(cells.get("parent_id") or cells.get("participant_id"))
