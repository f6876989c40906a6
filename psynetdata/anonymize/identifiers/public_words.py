"""Words of the experiment itself: a participant's id may be `control`, which is also the name of a group, or `red`.

Such an id counts only under a name of identity; elsewhere the word belongs to the experiment. How much it takes depends
on where the id comes from:

- An id of a participant, in a column of ids, is a word if a row of the design says it, which nobody's participation
  made, or if several participants have it as a label or as a short answer: then it points to none of them. Longer ids
  with a digit are ids everywhere, because nobody gives a group such a name by chance. A word without digits that is
  part of a name in the code (a module, a class, the deployment) cannot be distinguished from that name.
- An id or a secret that somebody typed or sent can be any word: a visitor who writes `?token=imitation` must not
  change anybody's data. It is a word if the experiment says it anywhere, in a sentence too, or if several participants
  gave it as an answer or were shown it on a page. A value with the shape of an id (see forms/strong_shapes.py) is never
  a word.
"""

import re
from collections.abc import Iterable

from ahocorasick_rs import AhoCorasick

from psynetdata.anonymize.forms.strength import ANYWHERE, NAMED, NEVER, TOKEN, fold, strength
from psynetdata.anonymize.forms.strong_shapes import has_strong_shape

from .contribution import Contribution
from .word_reader import SEVERAL, Holders, add_people

_IDS = frozenset({"worker_id", "assignment_id", "unique_id", "hit_id", "lucid", "entry", "name", "fingerprint"})
_TYPED = _IDS | {"secret"}
_ALONE = re.compile(r"[^0-9a-z]?")


class PublicWords:
    """Puts the words of all parts together."""

    def __init__(self) -> None:
        self._found: set[str] = set()
        self._code: set[str] = set()
        self._said: set[str] = set()
        self._holders: Holders = {}
        self._code_holders: Holders = {}
        self._page_holders: Holders = {}

    def add(self, contribution: Contribution) -> None:
        self._found.update(contribution.found)
        self._code.update(contribution.code)
        self._said.update(contribution.said)
        for mine, theirs in (
            (self._holders, contribution.holders),
            (self._code_holders, contribution.code_holders),
            (self._page_holders, contribution.page_holders),
        ):
            for word, people in theirs.items():
                add_people(mine, word, people)

    def public_values(self, kinds: dict[str, str], sure: set[str]) -> frozenset[str]:
        """Return the values of {value: kind} that are words of the experiment; those not in `sure` were only typed."""
        ids: dict[str, list[str]] = {}
        typed: dict[str, list[str]] = {}
        for value, kind in kinds.items():
            if strength(value) in (NAMED, NEVER):
                continue
            if value not in sure:
                if kind in _TYPED and not has_strong_shape(value):
                    typed.setdefault(fold(value.strip()), []).append(value)
            elif kind in _IDS and not _is_id(value):
                ids.setdefault(fold(value.strip()), []).append(value)
        if not ids and not typed:
            return frozenset()
        code = self._code | _shared(self._code_holders)
        words = self._found | code | _shared(self._holders)
        text = "\n".join(["", *sorted(code), ""])
        public = {value for word in ids if word in words or _is_part(word, text) for value in ids[word]}
        if typed:
            words |= _shared(self._page_holders)
            said = _said({word for word in typed if word not in words}, [*self._found, *code, *self._said])
            public |= {value for word in typed if word in words or word in said for value in typed[word]}
        return frozenset(public)


def _shared(holders: Holders) -> set[str]:
    """Return the words that several people have in common.

    A chain shows many people what one of them typed, so longer words of what was shown do not count for an id.
    """
    return {word for word, people in holders.items() if len(people) >= SEVERAL}


def _is_part(word: str, text: str) -> bool:
    sure = strength(word)
    if any(map(str.isdigit, word)) or sure not in (ANYWHERE, TOKEN):
        return False
    if sure == ANYWHERE:
        return word in text
    return re.search(rf"(?<![0-9a-z]){re.escape(word)}(?![0-9a-z])", text) is not None


def _said(words: set[str], texts: Iterable[str]) -> set[str]:
    """Return the words that the scrub would replace in one of these texts."""
    said: set[str] = set()
    if not words:
        return said
    ordered = sorted(words)
    automaton = AhoCorasick(ordered, store_patterns=False)
    for text in texts:
        for number, start, end in automaton.find_matches_as_indexes(text, overlapping=True):
            word = ordered[number]
            alone = _ALONE.fullmatch(text[start - 1 : start]) and _ALONE.fullmatch(text[end : end + 1])
            if alone or strength(word) == ANYWHERE:
                said.add(word)
    return said


def _is_id(value: str) -> bool:
    return len(value) >= 8 and any(map(str.isdigit, value))
