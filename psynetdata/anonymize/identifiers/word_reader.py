"""Reads words of the experiment from a run of a table's rows. public_words.py says what they are for.

- `found`: labels and short texts in rows of the design; `code`: names from the experiment's code;
- `said`: other texts that the experimenter wrote: they are evidence against what somebody typed, but not against an id
  of a participant, because code can write one into a variable of the experiment;
- `holders`, `code_holders`, `page_holders` {word: participants}: labels and short answers, names from the code, and
  answers, choices, keys and words of pages in rows of participants. Up to SEVERAL participants are kept.
"""

import re
from collections.abc import Callable, Iterable

from psynetdata.anonymize.forms import id_names
from psynetdata.anonymize.forms.strength import ANYWHERE, NAMED, NEVER, TOKEN, WHOLE, fold, strength
from psynetdata.psynet import jsontext
from psynetdata.psynet.column_roles import Role, columns_with_role
from psynetdata.psynet.csvtext import Row
from psynetdata.psynet.wordlists.exemptions import SCRUB, limit

from .contribution import Contribution
from .design_rows import DesignRows
from .value_finders import SECRET_KEY

SEVERAL = limit("people", SCRUB)
_LONGEST = limit("label_length", SCRUB)
_CODE = frozenset(columns_with_role(Role.CODE))
# Longer texts of the design are media or data, and only the start of what a page showed is read.
_LONGEST_TEXT, _LONGEST_PAGE = 10_000, 4_000
_REMEMBERED, _REMEMBERED_LENGTH = 20_000, 500
_STRING = re.compile(r'"((?:[^"\\]|\\.)*)"')
_JSON_NUMBER = re.compile(r"(?<=[\[:, ])-?\d[\d.eE+-]*(?=\s*[,\]}])")
# Words of a text that are not part of a link, an address or a name with dots, and not the value of a parameter.
_WORD = re.compile(r"(?<![\w=:/@%.\\-])[^\W\d_]{3,}(?![\w=/@%\\-]|[.:]\w)")

Holders = dict[str, set[str]]
WordsOf = Callable[[str], frozenset[str]]


def reader(table: str, names: list[str]) -> "WordReader | None":
    """Return the reader of one table's words, or None if the table cannot contain any."""
    word_reader = WordReader(table, names)
    return word_reader if word_reader.needed else None


class WordReader:
    """Collects words that could also be someone's id, or that someone could type as one."""

    def __init__(self, table: str, names: list[str]):
        at = {name: index for index, name in enumerate(names)}
        self._is_design = DesignRows(table, names).has
        self._person = at.get("id" if table == "participant" else "participant_id")
        self._settings = _places(at, Role.CONFIGURATION, table)
        self._written = _places(at, Role.WRITTEN, table) if table in ("node", "network") else []
        labels = columns_with_role(Role.LABEL, table)
        # The cells of the design seen so far, for each label: most rows repeat them and are skipped.
        self._labels: list[tuple[str, int, set[str]]] = [(name, at[name], set()) for name in names if name in labels]
        has_person = self._person is not None
        self._shown = _places(at, Role.SHOWN, table) if has_person else []
        answers = columns_with_role(Role.OWN_WORDS, table)
        self._answers = [at[name] for name in names if name in answers and at[name] in self._shown]
        self._pages = [at["metadata_"]] if has_person and "metadata_" in at else []
        self.needed = bool(self._settings or self._written or self._labels or self._shown)
        self._found: set[str] = set()
        self._code: set[str] = set()
        self._said: set[str] = set()
        self._seen: set[tuple[int, str]] = set()
        self._held, self._held_code, self._held_pages = Held(), Held(), Held()

    def read(self, row: Row) -> None:
        person = "" if self._person is None else row[self._person] or ""
        is_design = self._is_design(row)
        for name, place, seen in self._labels:
            cell = row[place]
            if not cell or cell in seen:
                continue
            if is_design or name == "type":
                self._label(name, cell)
                if len(cell) <= _REMEMBERED_LENGTH and len(seen) < _REMEMBERED:
                    seen.add(cell)
            elif person:
                held = self._held_code if name in _CODE else self._held
                held.add(cell, person, _label_words, name)
        for place in self._settings:
            if (cell := row[place]) and self._is_new(place, cell):
                self._setting(cell)
        for place in self._written if is_design else ():
            if (cell := row[place]) and self._is_new(place, cell):
                self._text(cell)
        if person:
            for place in self._shown:
                if cell := row[place]:
                    self._held.add(cell, person, _short_words)
            for place in self._answers:
                if cell := row[place]:
                    self._held_pages.add(cell, person, _answered)
            for place in self._pages:
                if cell := row[place]:
                    self._held_pages.add(_JSON_NUMBER.sub("0", cell[:_LONGEST_PAGE]), person, _words_of_page)

    def give(self, contribution: Contribution) -> None:
        contribution.found, contribution.code = sorted(self._found), sorted(self._code)
        contribution.said = sorted(self._said - self._found)
        contribution.holders, contribution.code_holders, contribution.page_holders = (
            held.sorted() for held in (self._held, self._held_code, self._held_pages)
        )

    def _label(self, name: str, cell: str) -> None:
        """Take a label of the design, or a class: rows of people have classes too, but only code can name one."""
        folded = fold(cell.rpartition(".")[2] if name == "type" else cell)
        self._found.update(_possible(folded))
        if name in _CODE:
            self._code.add(folded)

    def _setting(self, cell: str) -> None:
        value = jsontext.read(cell)
        self._said.update(fold(text.strip()) for text in _texts(value) if len(text) <= _LONGEST_TEXT)
        # The deployment's own name is the name of the export's folder too.
        deployment_id = value.get("deployment_id") if isinstance(value, dict) else None
        if isinstance(deployment_id, str):
            self._code.add(fold(deployment_id))

    def _text(self, cell: str) -> None:
        for text in {fold(text.strip()) for text in _texts(jsontext.read(cell))}:
            if len(text) <= _LONGEST:
                self._found.update(_possible(text))
            if len(text) <= _LONGEST_TEXT:
                self._said.add(text)

    def _is_new(self, place: int, cell: str) -> bool:
        if (place, cell) in self._seen:
            return False
        if len(cell) <= _REMEMBERED_LENGTH and len(self._seen) < _REMEMBERED:
            self._seen.add((place, cell))
        return True


class Held:
    """{word: participants in whose rows it is}; remembers the words of cells, and skips those of which all is known."""

    def __init__(self) -> None:
        self._holders: Holders = {}
        self._cells: dict[tuple[str, str], tuple[frozenset[str], set[str]]] = {}

    def add(self, cell: str, person: str, words_of: WordsOf, name: str = "") -> None:
        """Add the words of a person's cell; `name` is the column's if several columns are read in one way."""
        known = self._cells.get((name, cell))
        if known is None:
            known = words_of(cell), set()
            if len(cell) <= 2 * _REMEMBERED_LENGTH and len(self._cells) < _REMEMBERED:
                self._cells[name, cell] = known
        words, people = known
        if len(people) < SEVERAL and person not in people:
            people.add(person)
            for word in words:
                add_people(self._holders, word, (person,))

    def sorted(self) -> dict[str, list[str]]:
        return {word: sorted(people) for word, people in sorted(self._holders.items())}


def add_people(holders: Holders, word: str, people: Iterable[str]) -> None:
    """Add participants to a word's, until there are SEVERAL."""
    held = holders.setdefault(word, set())
    if len(held) < SEVERAL:
        held.update(people)


def _short_words(cell: str) -> frozenset[str]:
    """Return the short words of an answer: longer ones are more likely names than words of the experiment."""
    texts = {fold(text.strip()) for text in _texts(jsontext.read(cell))}
    return frozenset(text for text in texts if strength(text) in (TOKEN, WHOLE))


def _label_words(cell: str) -> frozenset[str]:
    return frozenset(_possible(fold(cell)))


def _answered(cell: str) -> frozenset[str]:
    """Return the longer texts of an answer and its keys, as wholes: `Strongly agree`."""
    texts = {fold(text.strip()) for text in _texts(jsontext.read(cell)) if len(text) <= _LONGEST}
    return frozenset(text for text in texts if strength(text) == ANYWHERE)


def _words_of_page(cell: str) -> frozenset[str]:
    """Return the texts and keys of a page as wholes (its choices), and the single words in them."""
    words: set[str] = set()
    for token in _STRING.findall(cell):
        text = fold(str(jsontext.read(f'"{token}"')) if "\\" in token else token)
        if len(text) <= _LONGEST:
            words.add(text.strip())
        words.update(_WORD.findall(text))
    return frozenset(word for word in words if strength(word) not in (NAMED, NEVER))


def _places(at: dict[str, int], role: Role, table: str) -> list[int]:
    columns = columns_with_role(role, table)
    return [place for name, place in at.items() if name in columns]


def _possible(folded: str) -> tuple[str, ...]:
    """Return the word if it could be someone's id, or no word."""
    return (folded,) if strength(folded) not in (NAMED, NEVER) else ()


def _texts(value: object, key: str = "") -> Iterable[str]:
    if isinstance(value, dict):
        for name, item in value.items():
            yield str(name)
            yield from _texts(item, str(name))
    elif isinstance(value, list):
        for item in value:
            yield from _texts(item, key)
    elif isinstance(value, str) and not id_names.kind_of(key) and not SECRET_KEY.search(key):
        yield value
