"""Needles compiled for the search: their patterns, and when an occurrence counts."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import takewhile

from exports.leakscan.encodings import base64_runs, forms, skeleton, utf16
from exports.leakscan.encodings.hex_runs import HexRuns
from exports.leakscan.needles import identity_names, strength
from exports.leakscan.needles.needle import Needle, Needles
from exports.leakscan.needles.strength import STRONG, TOKEN

from . import engine, numbers

# The automaton gets only the end of long patterns; the rest is compared after a hit.
_ANCHOR = 48
_LONG_NAME = 6
# Each algorithm, for the value as given and in lower case.
_DIGESTS = 2 * len(forms.ALGORITHMS)
# The strength of a beginning of a hash that has fewer than two letters: HexRuns does not look for it.
_HASH = "hash"
_NO_LETTER = bytes(c for c in range(256) if chr(c) not in "abcdef")
# The form of a number in JSON: six to nine digits without quotes.
NUMBER = "number"
# How many bytes after a hit must be available to decide whether it is a whole token.
GUARD = 64
# How many bytes an encoded byte may take (double percent is 5, JSON 6, in UTF-16 twice as much).
_ENCODED = 8

_WORDLIKE = frozenset(b"0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ")
_DIGITS = frozenset(b"0123456789")
_CELL_BORDERS = frozenset(b"\"'\n\r\t,;|<>")
_ROW_BORDERS = frozenset(b",\n\r")
_AFTER_NUMBER = frozenset(b",\n\r.")
_CONTROL = bytes(c for c in range(32) if c not in b"\t\n\r\f\b")
_CONTINUED = bytes(range(0x80, 0xC0))
_FRACTION = re.compile(rb"\d\.\d*$")
_NAMED_VALUE = re.compile(rb"[\\\"]{0,8}\s*[:=]\s*[\\\"]{0,8}([^\"&,;\s\\}\]]{1,64})")


@dataclass(frozen=True, slots=True)
class Pattern:
    """One way in which a needle is written. `needle` is an index; -1 marks the name of an identity."""

    data: bytes
    needle: int
    strength: str
    numeric: bool = False


@dataclass(frozen=True, slots=True)
class Hit:
    """An occurrence: bytes [start, end) of the view that was searched."""

    needle: int
    start: int
    end: int
    form: str = "plain"


class Matcher:
    """Searches one view at a time; `needles[hit.needle]` is what was found."""

    def __init__(self, needles: Needles, engine_name: str | None = None):
        self.needles: list[Needle] = needles.items
        self.classes = [needles.strength(needle) for needle in self.needles]
        self.named: dict[str, int] = {}
        self._weak: dict[str, int] = {}
        self.digit_tokens: dict[str, int] = {}
        self.numbers: dict[str, int] = {}  # digits without zeros in front, six or more → needle
        self.lone_numbers = False  # set if one of digit_tokens is between commas: RowCheck then examines it
        self._hashes: dict[bytes, int] = {}
        self._anchored: dict[bytes, list[Pattern]] = {}
        self._strong = {
            (n.kind, n.value) for n, c in zip(self.needles, self.classes, strict=True) if c == strength.STRONG
        }
        for index, needle in enumerate(self.needles):
            self._take(index, needle, self.classes[index])
        self._strong.clear()
        if self._weak:
            for spelling in identity_names.SPELLINGS:
                self._anchor(Pattern(spelling.encode(), -1, strength.NAMED))
        anywhere = (strength.STRONG, strength.TOKEN)
        wanted = (n.value for n, c in zip(self.needles, self.classes, strict=True) if c in anywhere)
        least = base64_runs.floor(value.encode("utf-8", "replace") for value in wanted)
        self.base64 = base64_runs.Base64Finder(least) if least else None
        self.longest = max((len(p.data) for ps in self._anchored.values() for p in ps), default=1)
        in_text = (p for ps in self._anchored.values() for p in ps if p.strength in anywhere)
        self.shortest = min((len(p.data) for p in in_text), default=self.longest)
        self.reach = self.longest * _ENCODED + 4 * GUARD
        spelled = (n.value for n, c in zip(self.needles, self.classes, strict=True) if c != strength.NAMED)
        self.utf16 = utf16.Utf16Finder([*spelled, *identity_names.SPELLINGS] if self._weak else spelled, self.reach)
        self.has_quotes = any(b'"' in p.data for ps in self._anchored.values() for p in ps)
        anchors = sorted(self._anchored)
        self._patterns = [tuple(self._anchored[anchor]) for anchor in anchors]
        self._anchored.clear()
        self._engine = engine.build(anchors, engine.choose(engine_name))
        self.method = self._engine.name

    @property
    def needs_rows(self) -> bool:
        """Whether a table's cells must be checked one by one."""
        return bool(self.named or self.digit_tokens)

    def _take(self, index: int, needle: Needle, klass: str) -> None:
        lowered = needle.value.lower()
        numeric = lowered.isascii() and (lowered.isdigit() or strength.is_address(lowered))
        if klass != strength.STRONG:
            self._weak.setdefault(lowered, index)
        if klass == strength.NAMED:
            self.named.setdefault(lowered, index)
        elif not self._is_implied(needle):
            for data in forms.patterns(needle.value):
                self._anchor(Pattern(data, index, klass, numeric))
            self._plain(needle.value, index, klass)
            if klass == strength.TOKEN and lowered.isdigit():
                self.digit_tokens[lowered] = index
            if numeric and len(digits := lowered.lstrip("0")) >= numbers.SHORTEST and digits.isdigit():
                self.numbers[digits] = index
        if lowered not in strength.COMMON:
            for number, (_, _, digest) in enumerate(forms.hashes(needle.value)):
                beginning = digest[: forms.LEAST_OF_HASH].encode()
                self._hashes.setdefault(beginning, index * _DIGESTS + number)
                if len(beginning.translate(None, _NO_LETTER)) < 2:
                    self._anchor(Pattern(beginning, self._hashes[beginning], _HASH))

    def _plain(self, value: str, index: int, klass: str) -> None:
        """Look for the skeleton of a value with other letters, if it is long enough to be looked for in text."""
        for found in skeleton.of_value(value) if not value.isascii() else ():
            if strength.classify(found.decode("utf-8", "replace")) in (STRONG, TOKEN):
                self._anchor(Pattern(found[-forms.LONGEST :], index, klass))

    def _is_implied(self, needle: Needle) -> bool:
        """Return whether a path contains another needle of its kind (folder or file name), which is found anyway."""
        value = needle.value
        cuts = [index for index, char in enumerate(value) if char == "/"]
        parts = {value[:cut] for cut in cuts} | {value[cut + 1 :] for cut in cuts}
        return any((needle.kind, part) in self._strong for part in parts if part)

    def _anchor(self, pattern: Pattern) -> None:
        self._anchored.setdefault(pattern.data[-_ANCHOR:], []).append(pattern)

    def hits(self, view: bytes, original: bytes | None = None, *, is_json: bool = False) -> list[Hit]:
        """Return occurrences in a lower-case view.

        `original` is the view in its original case; with `is_json`, a number between two others counts: in CSV, it is
        a cell.
        """
        hits = []
        for end, index in self._engine.ends(view):
            for pattern in self._patterns[index]:
                start = end - len(pattern.data)
                if start < 0 or (len(pattern.data) > _ANCHOR and view[start:end] != pattern.data):
                    continue
                if pattern.needle < 0:
                    hits += self._named_hits(view, start, end)
                elif pattern.strength == _HASH:
                    hits.append(self._hash_at(view, start, pattern.needle))
                elif self._counts(pattern, view, start, end, is_json) and self._is_meant(pattern, original, start, end):
                    hits.append(Hit(pattern.needle, start, end, self._form(pattern, view, start, end)))
        return hits

    def grouped(self, view: bytes) -> Iterator[Hit]:
        """Yield ids of digits that have thousands separators."""
        for start, end, digits in numbers.grouped(view) if self.numbers else ():
            if (needle := self.numbers.get(digits)) is not None:
                yield Hit(needle, start, end)

    @staticmethod
    def _form(pattern: Pattern, view: bytes, start: int, end: int) -> str:
        is_number = pattern.numeric and pattern.strength == TOKEN and not numbers.is_spoken_of(view, start, end)
        return NUMBER if is_number else "plain"

    def _named_hits(self, view: bytes, start: int, end: int) -> list[Hit]:
        # `grid` is not `rid`; `my_worker_id` is a worker_id.
        before = view[start - 1] if start else 10
        if before in _WORDLIKE or (before == 95 and end - start < _LONG_NAME):
            return []
        match = _NAMED_VALUE.match(view, end)
        if match is None:
            return []
        needle = self._weak.get(match[1].decode("utf-8", "replace"))
        return [] if needle is None else [Hit(needle, match.start(1), match.end(1))]

    def _counts(self, pattern: Pattern, view: bytes, start: int, end: int, is_json: bool) -> bool:
        before = view[start - 1] if start else 10
        after = view[end] if end < len(view) else 10
        if pattern.strength == strength.CELL:
            return before in _CELL_BORDERS and after in _CELL_BORDERS
        if pattern.numeric and b"." in pattern.data:
            return not _inside_number(view, start, end, before, after)
        if pattern.strength == strength.STRONG:
            return not pattern.numeric or _is_whole_number(view, start, end, before, after)
        if before in _WORDLIKE or after in _WORDLIKE:
            return False
        if not pattern.numeric:
            return True
        self.lone_numbers = self.lone_numbers or (before in _ROW_BORDERS and after in _AFTER_NUMBER)
        if numbers.is_spoken_of(view, start, end) or numbers.is_json_number(view, start, end):
            return True
        return is_json and numbers.is_between_numbers(view, start, end)

    def _is_meant(self, pattern: Pattern, original: bytes | None, start: int, end: int) -> bool:
        """In binary data six random letters occur by chance: there the case must be one that a person would write."""
        if pattern.strength == strength.STRONG or original is None:
            return True
        if not _is_binary(original[max(0, start - 8) : end + 8]):
            return True
        value = self.needles[pattern.needle].value.encode("utf-8", "replace")
        return original[start:end] in (value, value.lower(), value.upper())

    def is_small_number(self, needle: int) -> bool:
        """Return whether the needle is only looked for under names of identity and consists of digits."""
        return self.classes[needle] == strength.NAMED and self.needles[needle].value.isdigit()

    def hashed(self, view: bytes, runs: HexRuns) -> list[Hit]:
        """Return hashes of needles, or beginnings of them, in the hexadecimal runs of a lower-case view."""
        length, hashes = forms.LEAST_OF_HASH, self._hashes
        return [
            self._hash_at(view, place, hashes[view[place : place + length]])
            for start, end in runs.with_letters()
            for place in range(start, end - length + 1)
            if view[place : place + length] in hashes
        ]

    def _hash_at(self, view: bytes, place: int, number: int) -> Hit:
        needle, which = divmod(number, _DIGESTS)
        algorithm, _, digest = list(forms.hashes(self.needles[needle].value))[which]
        pairs = zip(view[place : place + len(digest)].decode("ascii", "replace"), digest, strict=False)
        length = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], pairs))
        return Hit(needle, place, place + length, algorithm)


def _is_whole_number(view: bytes, start: int, end: int, before: int, after: int) -> bool:
    """Ten digits occur by chance in longer numbers (times in milliseconds) and in fractions."""
    if before in _DIGITS or after in _DIGITS:
        return False
    return not (_FRACTION.search(view[max(0, start - 20) : start]) or numbers.has_fraction(view, end))


def _inside_number(view: bytes, start: int, end: int, before: int, after: int) -> bool:
    """An address within a longer one, `10.0.0.1` in `110.0.0.12`, is another address."""
    following = view[end + 1] if end + 1 < len(view) else 10
    return before in _DIGITS or after in _DIGITS or (after == 46 and following in _DIGITS)


def _is_binary(context: bytes) -> bool:
    if context.translate(None, _CONTROL) != context:
        return True
    try:
        context.lstrip(_CONTINUED).decode("utf-8")
    except UnicodeDecodeError as error:
        return error.reason != "unexpected end of data"
    return False
