"""Withheld texts that people wrote in their own words: the scan looks for them in the rest of the archive."""

from collections.abc import Iterator, Sequence

from psynetdata.psynet import jsontext
from psynetdata.psynet.column_roles import Role, columns_with_role
from psynetdata.psynet.csvtext import EMPTY
from psynetdata.psynet.tables import Column

_SHORTEST = 12
_WITHHELD = ("", EMPTY, "{}", "null")
# With more, the search would cost more than it is worth; the notes say so.
MOST = 100_000


class WithheldTexts:
    """Gathers texts that only one person wrote. A text given by several is a choice that was offered to them."""

    def __init__(self) -> None:
        self._writers: dict[str, str | None] = {}
        self._offered: set[str] = set()
        self._places: dict[str, tuple[int, int | None]] = {}
        self._pages: dict[str, int] = {}

    def columns(self, table: str, columns: list[Column]) -> bool:
        """Prepare for a table. Return False if it holds nobody's own words."""
        at = {column.name: index for index, column in enumerate(columns)}
        words = [at[name] for name in columns_with_role(Role.OWN_WORDS, table) if name in at]
        if not words:
            return False
        self._places[table] = words[0], at.get("id" if table == "participant" else "participant_id")
        if "metadata_" in at:
            self._pages[table] = at["metadata_"]
        return True

    def add_block(self, table: str, came: list[list[str]], left: list[Sequence[str]]) -> None:
        """Look at a block of rows before and after anonymizing; cells as in csvtext.block_rows."""
        words, _ = self._places[table]
        for row, out in zip(came, left, strict=True):
            if len(row[words]) >= _SHORTEST and out[words] in _WITHHELD:
                self._add_row(table, row)

    def _add_row(self, table: str, came: list[str]) -> None:
        words, writer = self._places[table]
        who = (came[writer] if writer is not None else "") or "?"
        for text in _texts(jsontext.read(came[words])):
            if text not in self._writers and len(self._writers) < MOST:
                self._writers[text] = who
            elif self._writers.get(text) != who and text in self._writers:
                self._writers[text] = None
        if table in self._pages and (page := came[self._pages[table]]):
            self._offered.update(_texts(jsontext.decode(page)))

    def add(self, other: "WithheldTexts") -> None:
        """Add the texts gathered from other rows, which come after those that were gathered here."""
        for text, who in other._writers.items():
            if text in self._writers:
                self._writers[text] = who if self._writers[text] == who else None
            elif len(self._writers) < MOST:
                self._writers[text] = who
        self._offered |= other._offered

    @property
    def texts(self) -> list[str]:
        """The texts to look for, in the order in which they were found."""
        return [text for text, who in self._writers.items() if who is not None and text not in self._offered]


def _texts(value: object) -> Iterator[str]:
    """Yield strings of two words or more, at any depth."""
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list):
        for item in value:
            yield from _texts(item)
    elif isinstance(value, str) and len(value) >= _SHORTEST and " " in value.strip():
        yield value
