"""What a deployment holds that must not be exported: identifiers, secrets, withheld texts."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice

from psynetdata.psynet.wordlists.exemptions import SCAN, exemptions

from . import strength

SECRET = "secret"
WITHHELD = "withheld_text"
SHORTEST_TEXT = 12
# Kinds whose values are checked for their shape, or that nobody types.
_CHECKED = ("email", "client_ip_address", "page_uuid", WITHHELD)

_EMPTY_HASHES = frozenset(exemptions("hash", SCAN))


@dataclass(frozen=True, slots=True)
class Needle:
    """A value to look for. Its repr shows the kind, never the value."""

    value: str
    kind: str

    def __repr__(self) -> str:
        return f"Needle(kind={self.kind!r})"

    __str__ = __repr__


class Needles:
    """A set of needles; the first kind given for a value stays.

    `set_aside` counts, by kind, values that are not looked for because public rows also hold them.
    """

    def __init__(self) -> None:
        self._kinds: dict[str, str] = {}
        self._typed: set[str] = set()
        self._said: set[str] = set()
        self._spared: set[str] = set()
        self._words: set[str] = set()
        self._code = ""
        self.set_aside: Counter[str] = Counter()

    def __repr__(self) -> str:
        return f"Needles({dict(Counter(self._kinds.values()))})"

    def __len__(self) -> int:
        return len(self._kinds)

    @property
    def items(self) -> list[Needle]:
        return [Needle(value, kind) for value, kind in self._kinds.items()]

    def latest(self, count: int) -> Iterator[Needle]:
        """Yield the needles that were added last."""
        for value in islice(reversed(self._kinds), count):
            yield Needle(value, self._kinds[value])

    def is_typed(self, needle: Needle) -> bool:
        """Return whether it comes only from what somebody typed or sent."""
        return needle.value in self._typed

    def add(self, value: str | None, kind: str, *, typed: bool = False) -> None:
        """Look for the value. Empty values (`""`, `None`, `null`, …) and hashes of empty data are ignored.

        `typed`: it comes from what somebody typed or sent, which can be any word.
        """
        text = (value or "").replace("\0", "").strip()
        folded = text.lower()
        if folded in strength.NOTHING or folded in _EMPTY_HASHES:
            return
        if folded in self._spared:
            self.set_aside[kind] += 1
            return
        if not typed:
            self._typed.discard(text)
        elif text not in self._kinds:
            self._typed.add(text)
        self._kinds.setdefault(text, kind)

    def merge(self, other: "Needles") -> None:
        """Look for everything that another set looks for."""
        for value, kind in other._kinds.items():
            self.add(value, kind, typed=value in other._typed)

    def withhold(self, texts: Iterable[str]) -> None:
        """Look for texts that were withheld; texts of fewer than 12 characters, numbers and times are skipped."""
        for text in texts:
            stripped = text.strip()
            says_nothing = stripped.isdigit() or strength.says_nothing(stripped.lower())
            if len(stripped) >= SHORTEST_TEXT and not says_nothing:
                self.add(stripped, WITHHELD, typed=stripped in self._typed)

    def spare(self, values: Iterable[str]) -> None:
        """Stop looking for values that are allowed in an export, such as a choice that each page offers."""
        folded = {value.strip().lower() for value in values}
        self._spared |= folded
        for value in [value for value in self._kinds if value.lower() in folded]:
            self.set_aside[self._kinds.pop(value)] += 1

    def know_words(self, words: Iterable[str], code: Iterable[str] = ()) -> None:
        """Add words of the experiment itself (names of groups, conditions), and those of its `code`, see `strength`."""
        self._words.update(word.strip().lower() for word in words)
        self._code = "\n".join(["", self._code, *sorted(word.lower() for word in code), ""])

    def typed_words(self) -> frozenset[str]:
        """Return values, in lower case, that somebody typed or sent and that are not like a recruiter's id."""
        return frozenset(
            needle.value.lower()
            for needle in self.items
            if self._may_be_any_word(needle) and strength.classify(needle.value) != strength.NAMED
        )

    def words(self) -> list[str]:
        """Return the words of the experiment itself, and names in its code."""
        return [*self._words, *self._code.split("\n")]

    def know_said(self, words: Iterable[str]) -> None:
        """Add those of `typed_words` that the experiment says itself, see `said_words`."""
        self._said.update(words)

    def could_be_words(self) -> frozenset[str]:
        """Return values of 3 to 7 bytes, in lower case, that could be a word in somebody's data as well as an id.

        Longer ones are more likely names, and a chain shows many people what one of them typed.
        """
        short = (strength.CELL, strength.TOKEN)
        return frozenset(
            needle.value.lower() for needle in self.items if not self._is_id(needle) and self.strength(needle) in short
        )

    def strength(self, needle: Needle) -> str:
        """Return strong, token, cell or named.

        A word of the experiment is `named`, unless it is a secret or like an id.
        """
        klass = strength.classify(needle.value)
        folded = needle.value.lower()
        if self._may_be_any_word(needle):
            is_word = folded in self._said or folded in self._words
        else:
            is_word = not self._is_id(needle) and self._is_public(folded, klass)
        return strength.NAMED if is_word else klass

    def _may_be_any_word(self, needle: Needle) -> bool:
        return needle.value in self._typed and needle.kind not in _CHECKED and not strength.is_recruiters(needle.value)

    @staticmethod
    def _is_id(needle: Needle) -> bool:
        return needle.kind == SECRET or bool(len(needle.value) >= 8 and re.search(r"\d", needle.value))

    def _is_public(self, folded: str, klass: str) -> bool:
        """Return whether it is a word of the experiment or, if it has no digits, a part of a name in its code."""
        if folded in self._words:
            return True
        if klass not in (strength.STRONG, strength.TOKEN) or re.search(r"\d", folded):
            return False
        border = r"(?<![0-9a-z]){}(?![0-9a-z])" if klass == strength.TOKEN else "{}"
        return re.search(border.format(re.escape(folded)), self._code) is not None
