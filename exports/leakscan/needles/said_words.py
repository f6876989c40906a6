"""Words that somebody typed or sent as an id or a secret, and that the experiment says itself or many people answered.

Anyone can open `?workerId=Strongly agree` or write `http://a.b/?token=imitation`. Such a text is not looked for if rows
of the design hold it, in a sentence too, or if several people answered it or were shown it on a page. What is like a
recruiter's id is always looked for (see `Needles.typed_words`).
"""

import re
from collections import defaultdict

from ahocorasick_rs import AhoCorasick

from psynetdata.psynet.column_roles import Role, columns_with_role

from . import strength
from .design_rows import DesignRows
from .json_texts import texts
from .public_words import SEVERAL, written

_LETTER = re.compile(r"[0-9a-z]")
# A word that is part of a link, an address or a name with dots, or the value of a parameter, is not a word of a page.
_WORD = re.compile(r"(?<![\w=:/@%.\\-])[^\W\d_]{3,}(?![\w=/@%\\-]|[.:]\w)")


class SaidWords:
    """Finds which of some texts (in lower case) are words of the experiment."""

    def __init__(self, wanted: frozenset[str]):
        self.wanted = wanted
        self._found: set[str] = set()
        self._holders: dict[str, set[str]] = defaultdict(set)
        self._design = DesignRows("", [])
        self._written: list[int] = []
        self._answers: list[int] = []
        self._pages: list[int] = []
        self._who = -1
        self._sorted: list[str] = []
        self._search: AhoCorasick | None = None

    @staticmethod
    def is_of_interest(table: str) -> bool:
        design = DesignRows(table, [])
        return design.possible or design.lab or bool(columns_with_role(Role.SHOWN, table))

    def begin(self, table: str, columns: list[str]) -> None:
        at = {name: index for index, name in enumerate(columns)}
        self._design = DesignRows(table, columns)
        roles = (Role.CONFIGURATION,) if self._design.lab else (Role.WRITTEN,)
        self._written = [at[name] for role in roles for name in columns_with_role(role, table) if name in at]
        self._who = at.get("participant_id", -1)
        shown = columns_with_role(Role.SHOWN, table)
        answers = [name for name in columns_with_role(Role.OWN_WORDS, table) if name in shown]
        self._answers = [at[name] for name in answers if name in at and self._who >= 0]
        self._pages = [at["metadata_"]] if "metadata_" in at and self._who >= 0 else []

    def chunk(self, rows: list[list[str]], raw: bytes) -> None:
        design = rows if self._design.lab else self._design.among(rows)
        for at in self._written:
            for cell in filter(None, {row[at] for row in design}):
                for text in written(cell):
                    self._found |= self.said_in(text.lower())
        for places, words_of in ((self._answers, self._answered), (self._pages, self._on_page)):
            for at in places:
                for cell, people in self._people_by_cell(rows, at).items():
                    for word in words_of(cell):
                        self._holders[word] |= people

    def _people_by_cell(self, rows: list[list[str]], at: int) -> dict[str, set[str]]:
        people: dict[str, set[str]] = defaultdict(set)
        for row in rows:
            if row[at] and row[self._who]:
                people[row[at]].add(row[self._who])
        return people

    def _answered(self, cell: str) -> set[str]:
        return {text.strip().lower() for pair in texts(cell, parameters=False) for text in pair if text} & self.wanted

    def _on_page(self, cell: str) -> set[str]:
        shown = {text.lower() for pair in texts(cell, parameters=False) for text in pair if text}
        words = {text.strip() for text in shown}.union(*map(_WORD.findall, shown))
        return words & self.wanted

    def said_in(self, text: str) -> set[str]:
        """Return the wanted texts in a text (in lower case), as they would be found there: see `strength`."""
        if self._search is None:
            self._sorted = sorted(self.wanted)
            self._search = AhoCorasick(self._sorted, store_patterns=False)
        said = set()
        for number, start, end in self._search.find_matches_as_indexes(text, overlapping=True):
            word = self._sorted[number]
            alone = not _LETTER.match(text[start - 1 : start]) and not _LETTER.match(text[end : end + 1])
            if alone or strength.classify(word) == strength.STRONG:
                said.add(word)
        return said

    def __getstate__(self) -> dict[str, object]:
        """Return what goes from one process to another: only what was found."""
        return {"wanted": self.wanted, "_found": self._found, "_holders": self._holders}

    def merge(self, other: "SaidWords") -> None:
        self._found |= other._found
        for text, who in other._holders.items():
            self._holders[text] |= who

    @property
    def words(self) -> set[str]:
        return self._found | {text for text, people in self._holders.items() if len(people) >= SEVERAL}
