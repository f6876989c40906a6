"""Words of the experiment itself: someone signed in as `control` where a group is called so, or as `red`.

What several people were shown or answered is such a word too: it points to none of them. Such an id counts only
under a name of identity; elsewhere the word is the experimenter's. Longer ids with a digit in them are ids wherever
they stand, for nobody calls a group so by chance. And a word without digits that is a part of what the code itself
names (a module, a class, the experiment) cannot be told from it.
"""

import re
from collections.abc import Iterable

from ..psynet import jsontext
from ..psynet.source import TableSource
from . import naming
from .words import ANYWHERE, NAMED, NEVER, TOKEN, fold, strength

# Names that stand in the code: no participant's id gets into them.
_CODE = frozenset({"type", "module_id", "trial_maker_id"})
_LABEL_NAMES = """
    mode status recruiter_id local_key participant_group chain_type page_type question data_type extension block kind
    event_type method sync_group_type group_type role barrier_class trial_status
"""
_LABELS = frozenset({*_LABEL_NAMES.split(), *_CODE})
_WRITTEN = {("node", "definition"), ("node", "seed"), ("node", "context"), ("network", "definition")}
_WRITTEN |= {("network", "context")}
_SETTINGS = {("experiment", "vars"), ("experiment_status", "extra_info")}
# Where words stand that several people saw or gave.
_SHARED = {("info", "definition"), ("info", "answer"), ("response", "answer")}
SEVERAL = 3
_LONGEST = 60
_KINDS = frozenset({"worker_id", "assignment_id", "unique_id", "hit_id", "lucid", "entry", "name", "fingerprint"})


def own_words(source: TableSource, kinds: dict[str, str]) -> frozenset[str]:
    """Those of {value: kind} that are such words. Reads no table where no id could be one: recruiters' ids cannot."""
    wanted: dict[str, list[str]] = {}
    for value, kind in kinds.items():
        if kind in _KINDS and not _is_id(value) and strength(value) not in (NAMED, NEVER):
            wanted.setdefault(fold(value.strip()), []).append(value)
    if not wanted:
        return frozenset()
    words = _Words(wanted)
    for table in source.tables():
        words.read(source, table)
    return frozenset(value for folded in words.found() for value in wanted[folded])


class _Words:
    """Looks for the wanted words (folded) in the tables."""

    def __init__(self, wanted: Iterable[str]):
        self._wanted = frozenset(wanted)
        self._found: set[str] = set()
        self._code: set[str] = set()
        self._holders: dict[str, set[str]] = {}

    def read(self, source: TableSource, table: str) -> None:
        names = [column.name for column in source.columns(table)]
        at = {name: index for index, name in enumerate(names)}
        written = [at[name] for name in names if (table, name) in _WRITTEN]
        settings = [at[name] for name in names if (table, name) in _SETTINGS]
        labels = [(name, at[name]) for name in names if name in _LABELS]
        shared = [at[name] for name in names if (table, name) in _SHARED and "participant_id" in at]
        made_by = [at[name] for name in ("parent_id", "participant_id") if name in at]
        if not (written or settings or labels or shared):
            return
        seen: set[tuple[int, str]] = set()
        for row in source.rows(table):
            for name, place in labels:
                if (cell := row[place]) and (place, cell) not in seen:
                    seen.add((place, cell))
                    self._label(name, cell)
            by_people = any(row[place] for place in made_by)
            for place in settings + ([] if by_people else written):
                if (cell := row[place]) and (place, cell) not in seen:
                    seen.add((place, cell))
                    texts = {fold(text.strip()) for text in _texts(jsontext.read(cell)) if len(text) <= _LONGEST}
                    self._found |= texts & self._wanted
                    self._code |= texts if place in settings else set()
            for place in shared:
                for text in _texts(jsontext.read(row[place])) if row[place] else ():
                    if (folded := fold(text.strip())) in self._wanted:
                        self._holders.setdefault(folded, set()).add(row[at["participant_id"]] or "")

    def found(self) -> set[str]:
        # Longer ones are names sooner than words, and a chain shows many people what one of them typed.
        several = {word for word, people in self._holders.items() if len(people) >= SEVERAL}
        shared = {word for word in several if strength(word) != ANYWHERE}
        text = "\n".join(["", *sorted(self._code), ""])
        return self._found | shared | {word for word in self._wanted if _is_part(word, text)}

    def _label(self, name: str, cell: str) -> None:
        folded = fold(cell.rpartition(".")[2] if name == "type" else cell)
        self._found |= {folded} & self._wanted
        if name in _CODE:
            self._code.add(folded)


def _is_part(word: str, text: str) -> bool:
    sure = strength(word)
    if any(map(str.isdigit, word)) or sure not in (ANYWHERE, TOKEN):
        return False
    if sure == ANYWHERE:
        return word in text
    return re.search(rf"(?<![0-9a-z]){re.escape(word)}(?![0-9a-z])", text) is not None


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
    elif isinstance(value, str) and not naming.kind_of(key):
        yield value
