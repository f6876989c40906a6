"""Words of the experiment itself: an id that equals one of them cannot be distinguished from it.

If someone signed in as `control` and a group has that name, the word is allowed in public columns. So is a text that
several people were shown or answered: it identifies none of them. Such ids are only looked for in columns and keys that
name an identity, see `strength`.
"""

from collections import defaultdict
from collections.abc import Iterator
from typing import TYPE_CHECKING

from psynetdata.psynet.column_roles import Role, columns_with_role
from psynetdata.psynet.tables import EXPERIMENT_TABLES

from . import identity_names
from .json_texts import texts

if TYPE_CHECKING:
    from .needle import Needles

# The scan's own judgement: these hold words of the experiment too.
_COLUMNS = frozenset(columns_with_role(Role.LABEL)) | {"browser_platform", "label"}
# Tables whose WRITTEN columns are JSON that the experimenter wrote; of nodes only those that no trial made.
_OF_DESIGN = ("node", "network")
_LONGEST = 60
# Named by the experiment's code or settings, where no participant's id gets in: parts of these names count too.
_NAMED_BY_CODE = frozenset(columns_with_role(Role.CODE))
SEVERAL = 3


class Words:
    """Collects public words, chunk by chunk."""

    def __init__(self, needles: "Needles"):
        self._needles = needles
        self._words: set[str] = set()
        self._code: set[str] = set()
        self._table = ""
        self._columns: list[tuple[int, str]] = []
        self._made_by: list[int] = []

    def begin(self, table: str, columns: list[str]) -> None:
        """Start a table; most of its columns are never read."""
        self._table = table
        written = columns_with_role(Role.WRITTEN, table) if table in _OF_DESIGN else ()
        read = _COLUMNS.union(written, columns_with_role(Role.CONFIGURATION, table))
        self._columns = [(at, name) for at, name in enumerate(columns) if name in read]
        self._made_by = [at for at, name in enumerate(columns) if name in ("parent_id", "participant_id")]

    def chunk(self, rows: list[list[str]], raw: bytes) -> None:
        """Take some rows of the table; NULL is ""."""
        for at, column in self._columns:
            if column in _COLUMNS:
                cells = dict.fromkeys(row[at] for row in rows)
            else:
                cells = dict.fromkeys(row[at] for row in rows if not any(row[by] for by in self._made_by))
            for cell in filter(None, cells):
                self._take(column, cell)

    def _take(self, column: str, cell: str) -> None:
        words = _label(column, cell) if column in _COLUMNS else list(_written(cell))
        self._words.update(words)
        if column in _NAMED_BY_CODE or self._table in EXPERIMENT_TABLES:
            self._code.update(words)

    def merge(self, other: "Words") -> None:
        """Add what another collector found in other rows."""
        self._words |= other._words
        self._code |= other._code

    def close(self) -> None:
        self._needles.know_words(self._words, self._code)


class SharedWords:
    """Finds which of some texts (in lower case) at least SEVERAL people were shown or answered."""

    def __init__(self, wanted: frozenset[str]):
        self._wanted = wanted
        self._holders: dict[str, set[str]] = defaultdict(set)
        self._columns: list[int] = []
        self._who = -1

    @staticmethod
    def is_of_interest(table: str) -> bool:
        return bool(columns_with_role(Role.SHOWN, table))

    def begin(self, table: str, columns: list[str]) -> None:
        at = {name: index for index, name in enumerate(columns)}
        self._who = at.get("participant_id", -1)
        self._columns = []
        if self._who >= 0:
            self._columns = [at[name] for name in columns_with_role(Role.SHOWN, table) if name in at]

    def chunk(self, rows: list[list[str]], raw: bytes) -> None:
        for at in self._columns:
            people: dict[str, set[str]] = defaultdict(set)
            for row in rows:
                if row[at] and row[self._who]:
                    people[row[at]].add(row[self._who])
            for cell, who in people.items():
                for key, value in texts(cell, parameters=False):
                    for text in {value.strip().lower(), (key or "").lower()} & self._wanted:
                        self._holders[text] |= who

    def merge(self, other: "SharedWords") -> None:
        for text, who in other._holders.items():
            self._holders[text] |= who

    @property
    def words(self) -> set[str]:
        return {text for text, people in self._holders.items() if len(people) >= SEVERAL}


def _label(column: str, cell: str) -> list[str]:
    return [cell.rpartition(".")[2] if column == "type" else cell]


def _written(cell: str) -> Iterator[str]:
    for key, value in texts(cell, parameters=False):
        if not (key and (identity_names.kind_of(key) or identity_names.SECRET_KEY.search(key))):
            yield from (word for word in (key or "", value) if len(word) <= _LONGEST)
