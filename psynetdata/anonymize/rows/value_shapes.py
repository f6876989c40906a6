"""Describes values without showing any: kinds, lengths, number of different ones. And proposes a rule."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from psynetdata.anonymize.forms import id_names
from psynetdata.anonymize.policy import key_names
from psynetdata.anonymize.text import named_values
from psynetdata.anonymize.text.scrubber import FREE_TEXT

# Up to this number, different values are counted; beyond it the description says "more than".
MOST_DIFFERENT = 100
# Answers to a multiple choice: few different texts, each given several times, none of them long.
_CHOICES, _TIMES, _LONGEST_CHOICE = 12, 3, 80
_WORDS = {"number": "numbers", "flag": "true or false", "null": "nothing", "list": "lists", "object": "objects"}


@dataclass
class ValueShape:
    """The shape of the values under one selector; `rows` counts them.

    `has_identity`: there are values below that are withheld until someone decides (see named_values.py).
    """

    rows: int = 0
    kinds: set[str] = field(default_factory=set)
    shortest: int | None = None
    longest: int = 0
    has_identity: bool = False
    different: set[int] = field(default_factory=set)

    def add(self, value: object) -> None:
        self.rows += 1
        self.kinds.add(_kind(value))
        self.has_identity = self.has_identity or _has_identity(value)
        for text in _texts(value):
            self.shortest = len(text) if self.shortest is None else min(self.shortest, len(text))
            self.longest = max(self.longest, len(text))
            if len(self.different) <= MOST_DIFFERENT:
                self.different.add(hash(text))

    def words(self) -> str:
        """Return a description: `text of 3 to 40 characters, 12 different; numbers`."""
        words = [_WORDS[kind] for kind in sorted(self.kinds - {"text"})]
        if self.shortest is not None:
            length = f"{self.shortest}" if self.shortest == self.longest else f"{self.shortest} to {self.longest}"
            many = len(self.different)
            count = f"more than {MOST_DIFFERENT}" if many > MOST_DIFFERENT else str(many)
            words.insert(0, f"text of {length} characters, {count} different")
        if self.has_identity:
            words.append("keys whose names say identity")
        return "; ".join(words)

    def proposal(self, name: str) -> dict[str, str]:
        """Return a proposed rule {shared, open, kind} for the values under a column, question or key of this name."""
        if self.has_identity or key_names.is_identity(name):
            return _rule("drop", "drop", FREE_TEXT)
        if kind := id_names.kind_of(name):
            return _rule("pseudonym", "drop", kind)
        if key_names.may_be_identity(name) and self.shortest is not None:
            return _rule("drop", "drop", FREE_TEXT)
        if special := key_names.special_kind(name):
            return _rule("scrub", "drop", special)
        if self.shortest is None:
            return _rule("keep", "keep", "number")
        if self.longest <= _LONGEST_CHOICE and len(self.different) <= min(_CHOICES, self.rows // _TIMES):
            return _rule("scrub", "scrub", "choice")
        return _rule("scrub", "drop", FREE_TEXT)


def _rule(shared: str, open_: str, kind: str) -> dict[str, str]:
    return {"shared": shared, "open": open_, "kind": kind}


def _kind(value: object) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "flag"
    if isinstance(value, int | float):
        return "number"
    return "text" if isinstance(value, str) else "list" if isinstance(value, list) else "object"


def _has_identity(value: object) -> bool:
    if isinstance(value, list):
        return any(map(_has_identity, value))
    if isinstance(value, str) and value[:1] in ("{", "["):
        return named_values.may_hold(value)
    return isinstance(value, dict) and any(
        (key_names.is_identity(key) and item is not None and not isinstance(item, bool)) or _has_identity(item)
        for key, item in value.items()
    )


def _texts(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, list):
        for item in value:
            yield from _texts(item)
    elif isinstance(value, dict):
        for item in value.values():
            yield from _texts(item)
