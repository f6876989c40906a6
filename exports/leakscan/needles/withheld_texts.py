"""Texts of people that an archive withholds: the scan looks for them in the rest of it.

A text counts if it has twelve characters or more, one participant alone produced it, and it does not leave in the place
where they wrote it. It does not count if it leaves in another answer, if a row of the experiment's own holds it, or if
the page or the trial of the answer offered it: then it is a choice, not somebody's words.
"""

import json
from collections.abc import Iterator, Sequence
from hashlib import blake2b

from psynetdata.psynet import jsontext
from psynetdata.psynet.column_roles import Role, columns_with_role
from psynetdata.psynet.tables import Column

from .needle import SHORTEST_TEXT

# With more, the search would cost more than it is worth.
MOST = 100_000
# Texts that are known to leave or to be the experiment's own, as hashes of eight bytes: at most about 50 MB.
MOST_KNOWN = 500_000
_LONGEST_KEPT = 500
# Answers of trials; in PsyNet 14 they are in a table of their own.
_LIKE = {"trial": "info"}
# The scan's own judgement: saved answers are people's own words too.
_MORE_WORDS = {"participant": ("vars",)}
# What else a row says about what was offered for an answer in it.
_OFFERS = ("metadata_", "definition")
_EVENT_LOG = "event_log"
_OF_DESIGN = ("node", "network")
_MADE_BY = ("parent_id", "participant_id")


class WithheldTexts:
    """Gathers texts, block by block of rows before and after anonymizing."""

    def __init__(self) -> None:
        self._writers: dict[str, str | None] = {}
        self._known: set[int] = set()
        self._offered: set[int] = set()
        self._kept: set[str] = set()  # cells that left as they were: most repeat
        self._tables: dict[str, _Places] = {}

    def __getstate__(self) -> dict[str, object]:
        """Return what goes from one process to another: only what was found."""
        return self.__dict__ | {"_kept": set(), "_tables": {}}

    def columns(self, table: str, columns: list[Column]) -> bool:
        """Prepare for a table. Return False if its rows need not be read."""
        places = self._tables[table] = _Places(table, [column.name for column in columns])
        return bool(places.words or places.design)

    def add_block(self, table: str, came: list[list[str]], left: list[Sequence[str]]) -> None:
        """Read a block of rows before and after anonymizing; cells as in csvtext.block_rows."""
        places = self._tables[table]
        for row, out in zip(came, left, strict=True):
            for at in places.words:
                if len(cell := row[at]) >= SHORTEST_TEXT and not (cell == out[at] and cell in self._kept):
                    self._add_cell(places, at, row, out)
            if places.design and not any(row[at] for at in places.made_by):
                for at in places.design:
                    if len(row[at]) >= SHORTEST_TEXT:
                        self._know(_texts(jsontext.read(row[at])))

    def _add_cell(self, places: "_Places", at: int, row: list[str], out: Sequence[str]) -> None:
        cell = row[at]
        texts = set(_texts(jsontext.read(cell)))
        if cell == out[at] and len(cell) <= _LONGEST_KEPT and len(self._kept) < MOST:
            self._kept.add(cell)
        if not texts:
            return
        kept = texts if cell == out[at] else texts & set(_texts(jsontext.read(out[at]))) if len(out[at]) > 1 else set()
        self._know(kept)
        # What several people wrote is a choice: most answers are.
        withheld = [text for text in sorted(texts - kept) if self._writers.get(text, "") is not None]
        if not withheld:
            return
        who = (row[places.writer] if places.writer is not None else "") or "?"
        for text in withheld:
            if any(_offers(row[place], text) for place in places.offers):
                self._offered.add(_hash(who, text))
            elif text in self._writers:
                self._writers[text] = who if self._writers[text] == who else None
            elif len(self._writers) < MOST:
                self._writers[text] = who

    def _know(self, texts: "set[str] | Iterator[str]") -> None:
        if len(self._known) < MOST_KNOWN:
            self._known.update(_hash("", text) for text in texts)

    def add(self, other: "WithheldTexts") -> None:
        """Add the texts gathered from other rows, which come after those that were gathered here."""
        for text, who in other._writers.items():
            if text in self._writers:
                self._writers[text] = who if self._writers[text] == who else None
            elif len(self._writers) < MOST:
                self._writers[text] = who
        if len(self._known) < MOST_KNOWN:
            self._known |= other._known
        self._offered |= other._offered

    @property
    def texts(self) -> list[str]:
        """The texts to look for, in the order in which they were found."""
        return [
            text
            for text, who in self._writers.items()
            if who is not None and _hash("", text) not in self._known and _hash(who, text) not in self._offered
        ]


class _Places:
    """Indexes of a table's columns: `words` of people, `offers` next to them, `design` that the experimenter wrote,
    `made_by` that say whether people made the row, and `writer`, the participant."""

    def __init__(self, table: str, names: list[str]):
        at = {name: index for index, name in enumerate(names)}
        like = _LIKE.get(table, table)
        words = (*columns_with_role(Role.OWN_WORDS, like), *_MORE_WORDS.get(table, ()))
        written = columns_with_role(Role.WRITTEN, table) if table in _OF_DESIGN else ()
        self.words = [at[name] for name in words if name in at]
        self.design = [at[name] for name in written if name in at]
        self.offers = [at[name] for name in _OFFERS if name in at]
        self.made_by = [at[name] for name in _MADE_BY if name in at]
        self.writer = at.get("id" if table == "participant" else "participant_id")


def _texts(value: object) -> Iterator[str]:
    """Yield strings that could be somebody's words, at any depth: several words, or a script without spaces."""
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list):
        for item in value:
            yield from _texts(item)
    elif isinstance(value, str) and len(value) >= SHORTEST_TEXT and _is_written(value.strip()):
        yield value


def _offers(cell: str, text: str) -> bool:
    """Return whether a row's JSON offered this text. A log of events quotes what people type, which is not an offer."""
    if not any(json.dumps(text, ensure_ascii=escaped)[1:-1] in cell for escaped in (True, False)):
        return False
    value = jsontext.read(cell)
    if isinstance(value, dict):
        value = [item for key, item in value.items() if key != _EVENT_LOG]
    return text in _texts(value)


def _is_written(text: str) -> bool:
    return " " in text or not text.isascii()


def _hash(who: str, text: str) -> int:
    data = f"{who}\0{text}".encode("utf-8", "surrogatepass")
    return int.from_bytes(blake2b(data, digest_size=8).digest(), "big")
