"""Words of the experiment itself: a participant's id may be `control`, which is also the name of a group, or `red`.

A word that several people were shown or answered also belongs here: it points to none of them. Such an id counts only
under a name of identity; elsewhere the word belongs to the experiment. Longer ids with a digit are ids everywhere,
because nobody gives a group such a name by chance. A word without digits that is part of a name in the code (a module,
a class, the experiment) cannot be distinguished from that name.
"""

import re
from collections.abc import Iterable

from psynetdata.anonymize.forms import id_names
from psynetdata.anonymize.forms.strength import ANYWHERE, NAMED, NEVER, TOKEN, WHOLE, fold, strength
from psynetdata.psynet import jsontext
from psynetdata.psynet.column_roles import Role, columns_with_role
from psynetdata.psynet.csvtext import Row

from .contribution import Contribution

_CODE = frozenset(columns_with_role(Role.CODE))
# Tables whose WRITTEN columns hold the experiment's own words, unless a person made the row.
_OF_DESIGN = ("node", "network")
SEVERAL = 3
_LONGEST = 60
_REMEMBERED, _REMEMBERED_LENGTH = 50_000, 500
_KINDS = frozenset({"worker_id", "assignment_id", "unique_id", "hit_id", "lucid", "entry", "name", "fingerprint"})


def reader(table: str, names: list[str]) -> "WordReader | None":
    """Return the reader of one table's words, or None if the table cannot contain any."""
    word_reader = WordReader(table, names)
    return word_reader if word_reader.needed else None


class WordReader:
    """Collects words from the rows of one part that could also be someone's id."""

    def __init__(self, table: str, names: list[str]):
        at = {name: index for index, name in enumerate(names)}
        self._settings = _places(at, Role.CONFIGURATION, table)
        self._written = _places(at, Role.WRITTEN, table) if table in _OF_DESIGN else []
        # The cells seen so far, for each label: most rows repeat them and are skipped.
        labels = columns_with_role(Role.LABEL, table)
        self._labels: list[tuple[str, int, set[str]]] = [(name, at[name], set()) for name in names if name in labels]
        person = at.get("participant_id")
        shown = _places(at, Role.SHOWN, table)
        self._shared = [(place, person) for place in shown if person is not None]
        self._made_by = [at[name] for name in ("parent_id", "participant_id") if name in at]
        self.needed = bool(self._settings or self._written or self._labels or self._shared)
        self._seen: set[tuple[int, str]] = set()
        self._texts = bool(self._settings or self._written)
        self._short: dict[str, frozenset[str]] = {}
        self._found: set[str] = set()
        self._code: set[str] = set()
        self._holders: dict[str, set[str]] = {}

    def read(self, row: Row) -> None:
        for name, place, seen in self._labels:
            if (cell := row[place]) and cell not in seen:
                self._label(name, cell)
                if len(cell) <= _REMEMBERED_LENGTH and len(seen) < _REMEMBERED:
                    seen.add(cell)
        if self._texts:
            self._written_in(row)
        for place, person in self._shared:
            for word in self._words(cell) if (cell := row[place]) else ():
                people = self._holders.setdefault(word, set())
                if len(people) < SEVERAL:
                    people.add(row[person] or "")

    def _written_in(self, row: Row) -> None:
        by_people = any(row[place] for place in self._made_by)
        for place in self._settings + ([] if by_people else self._written):
            if (cell := row[place]) and self._is_new(place, cell):
                texts = {fold(text.strip()) for text in _texts(jsontext.read(cell)) if len(text) <= _LONGEST}
                self._found.update(filter(_may_be_id, texts))
                if place in self._settings:
                    self._code |= texts

    def give(self, contribution: Contribution) -> None:
        contribution.found, contribution.code = sorted(self._found), sorted(self._code)
        contribution.holders = {word: sorted(people) for word, people in sorted(self._holders.items())}

    def _words(self, cell: str) -> frozenset[str]:
        """Return the short words of an answer: longer ones are more likely names than words of the experiment."""
        words = self._short.get(cell)
        if words is None:
            texts = {fold(text.strip()) for text in _texts(jsontext.read(cell))}
            words = frozenset(text for text in texts if strength(text) in (TOKEN, WHOLE))
            if len(cell) <= _REMEMBERED_LENGTH and len(self._short) < _REMEMBERED:
                self._short[cell] = words
        return words

    def _label(self, name: str, cell: str) -> None:
        folded = fold(cell.rpartition(".")[2] if name == "type" else cell)
        if _may_be_id(folded):
            self._found.add(folded)
        if name in _CODE:
            self._code.add(folded)

    def _is_new(self, place: int, cell: str) -> bool:
        if (place, cell) in self._seen:
            return False
        if len(cell) <= _REMEMBERED_LENGTH and len(self._seen) < _REMEMBERED:
            self._seen.add((place, cell))
        return True


class PublicWords:
    """Puts the words of all parts together."""

    def __init__(self) -> None:
        self._found: set[str] = set()
        self._code: set[str] = set()
        self._holders: dict[str, set[str]] = {}

    def add(self, contribution: Contribution) -> None:
        self._found.update(contribution.found)
        self._code.update(contribution.code)
        for word, people in contribution.holders.items():
            held = self._holders.setdefault(word, set())
            if len(held) < SEVERAL:
                held.update(people)

    def public_values(self, kinds: dict[str, str]) -> frozenset[str]:
        """Return the values of {value: kind} that are words of the experiment. Recruiters' ids cannot be."""
        wanted: dict[str, list[str]] = {}
        for value, kind in kinds.items():
            if kind in _KINDS and not _is_id(value) and strength(value) not in (NAMED, NEVER):
                wanted.setdefault(fold(value.strip()), []).append(value)
        if not wanted:
            return frozenset()
        # A chain shows many people what one of them typed, so longer words that many people saw do not count.
        shared = {word for word, people in self._holders.items() if len(people) >= SEVERAL}
        text = "\n".join(["", *sorted(self._code), ""])
        own = {word for word in wanted if word in self._found or word in shared or _is_part(word, text)}
        return frozenset(value for word in own for value in wanted[word])


def _places(at: dict[str, int], role: Role, table: str) -> list[int]:
    columns = columns_with_role(role, table)
    return [place for name, place in at.items() if name in columns]


def _is_part(word: str, text: str) -> bool:
    sure = strength(word)
    if any(map(str.isdigit, word)) or sure not in (ANYWHERE, TOKEN):
        return False
    if sure == ANYWHERE:
        return word in text
    return re.search(rf"(?<![0-9a-z]){re.escape(word)}(?![0-9a-z])", text) is not None


def _may_be_id(folded: str) -> bool:
    """Return whether this word could be someone's id."""
    return not _is_id(folded) and strength(folded) not in (NAMED, NEVER)


def _is_id(value: str) -> bool:
    return len(value) >= 8 and any(map(str.isdigit, value))


def _texts(value: object, key: str = "") -> Iterable[str]:
    if isinstance(value, dict):
        for name, item in value.items():
            yield str(name)
            yield from _texts(item, str(name))
    elif isinstance(value, list):
        for item in value:
            yield from _texts(item, key)
    elif isinstance(value, str) and not id_names.kind_of(key):
        yield value
