"""Words of the experiment itself: an id that equals one of them cannot be distinguished from it.

If someone signed in as `control` and a group has that name, the word is allowed in public columns. So is a text that
several people were shown or answered: it identifies none of them. Such ids are only looked for in columns and keys that
name an identity, see `strength`. A label in the rows of one or two people is not a word of the experiment: it may be
the id of one of them.
"""

import re
from collections import defaultdict
from collections.abc import Iterator
from typing import TYPE_CHECKING

from psynetdata.psynet import jsontext
from psynetdata.psynet.column_roles import Role, columns_with_role
from psynetdata.psynet.wordlists.exemptions import SCAN, limit

from . import identity_names
from .design_rows import DesignRows
from .json_texts import texts

if TYPE_CHECKING:
    from .needle import Needles

# The scan's own judgement: these hold words of the experiment too.
_COLUMNS = frozenset(columns_with_role(Role.LABEL)) | {"browser_platform", "label"}
# Tables whose WRITTEN columns are JSON that the experimenter wrote; of nodes only those that no trial made.
_OF_DESIGN = ("node", "network")
_LONGEST = limit("label_length", SCAN)
# Named by the experiment's code, where no participant's id gets in: parts of these names count too.
_NAMED_BY_CODE = frozenset(columns_with_role(Role.CODE))
SEVERAL = limit("people", SCAN)
_SECRET_KEY = re.compile("password|secret|token", re.I)


class Words:
    """Collects public words, chunk by chunk."""

    def __init__(self, needles: "Needles"):
        self._needles = needles
        self._words: set[str] = set()
        self._code: set[str] = set()
        self._holders: dict[tuple[bool, str], set[str]] = defaultdict(set)
        self._design = DesignRows("", [])
        self._labels: list[tuple[int, str]] = []
        self._written: list[int] = []
        self._settings: list[int] = []
        self._who: int | None = None

    def begin(self, table: str, columns: list[str]) -> None:
        """Start a table; most of its columns are never read."""
        self._design = DesignRows(table, columns)
        written = columns_with_role(Role.WRITTEN, table) if table in _OF_DESIGN else ()
        settings = columns_with_role(Role.CONFIGURATION, table)
        self._labels = [(at, name) for at, name in enumerate(columns) if name in _COLUMNS]
        self._written = [at for at, name in enumerate(columns) if name in written]
        self._settings = [at for at, name in enumerate(columns) if name in settings]
        who = "id" if table == "participant" else "participant_id"
        self._who = columns.index(who) if who in columns else None

    def chunk(self, rows: list[list[str]], raw: bytes) -> None:
        """Take some rows of the table; NULL is ""."""
        design = self._design.among(rows)
        for at, column in self._labels:
            if column == "type":  # no participant can name a class
                self._add({row[at].rpartition(".")[2] for row in rows}, code=True)
                continue
            self._add({row[at] for row in design}, code=column in _NAMED_BY_CODE)
            if self._who is not None and not self._design.possible:
                for cell, person in {(row[at], row[self._who]) for row in rows}:
                    self._hold(cell, person, column)
            elif self._who is not None:
                for row in rows:
                    if not self._design.is_one(row):
                        self._hold(row[at], row[self._who], column)
        for at in self._written:
            for cell in filter(None, {row[at] for row in design}):
                self._add({word for word in written(cell) if len(word) <= _LONGEST})
        for at in self._settings:
            self._add({name for row in rows if (name := _name_of_deployment(row[at]))}, code=True)

    def _hold(self, cell: str, person: str, column: str) -> None:
        if cell and person:
            self._holders[column in _NAMED_BY_CODE, cell].add(person)

    def _add(self, words: set[str], *, code: bool = False) -> None:
        words.discard("")
        self._words |= words
        if code:
            self._code |= words

    def __getstate__(self) -> dict[str, object]:
        """Return what goes from one process to another: only what was found."""
        return {"_needles": self._needles, "_words": self._words, "_code": self._code, "_holders": self._holders}

    def merge(self, other: "Words") -> None:
        """Add what another collector found in other rows."""
        self._words |= other._words
        self._code |= other._code
        for word, people in other._holders.items():
            self._holders[word] |= people

    def close(self) -> None:
        for (is_code, word), people in self._holders.items():
            if len(people) >= SEVERAL:
                self._add({word}, code=is_code)
        self._needles.know_words(self._words, self._code)


class SharedWords:
    """Finds which of some texts (in lower case) at least SEVERAL people were shown or answered."""

    def __init__(self, wanted: frozenset[str]):
        self.wanted = wanted
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
                    for text in {value.strip().lower(), (key or "").lower()} & self.wanted:
                        self._holders[text] |= who

    def merge(self, other: "SharedWords") -> None:
        for text, who in other._holders.items():
            self._holders[text] |= who

    @property
    def words(self) -> set[str]:
        return {text for text, people in self._holders.items() if len(people) >= SEVERAL}


def written(cell: str) -> Iterator[str]:
    """Yield the keys and texts of JSON that the experimenter wrote, without values that have a name of identity."""
    for key, value in texts(cell, parameters=False):
        yield key or ""
        if not (key and (identity_names.kind_of(key) or _SECRET_KEY.search(key))):
            yield value


def _name_of_deployment(cell: str) -> str:
    """Return the deployment's id, which is the name of the archive too."""
    value = jsontext.decode(cell)
    name = value.get("deployment_id") if isinstance(value, dict) else None
    return name if isinstance(name, str) else ""
