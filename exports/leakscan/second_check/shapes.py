"""What ids, e-mail addresses and phone numbers look like, and a search for them and for given words."""

import importlib.util
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

_BORDER = rb"(?:^|[^0-9A-Za-z])"
_END = rb"(?:$|[^0-9A-Za-z])"
_HEX = rb"[0-9A-Fa-f]"
_UUID = _HEX + rb"{8}-" + rb"-".join([_HEX + rb"{4}"] * 3) + rb"-" + _HEX + rb"{12}"
_AT = rb"(?:@|%40|&#64;|\\u0040)"
_NAME = rb"[0-9A-Za-z-]{1,63}"
_DIGIT = rb"[ ()/.-]{0,2}[0-9]"

# The longest match, and what must be known after it.
REACH = 200


@dataclass(frozen=True, slots=True)
class Shape:
    """`sign` is found first, also by Hyperscan; `whole` then decides, from `before` bytes before the sign's end."""

    name: str
    sign: bytes
    whole: re.Pattern[bytes]
    before: int


def _between_words(pattern: bytes) -> re.Pattern[bytes]:
    return re.compile(rb"(?<![0-9A-Za-z])" + pattern + rb"(?![0-9A-Za-z])")


SHAPES = (
    Shape("24 hexadecimal digits", _HEX + rb"{24}", _between_words(_HEX + rb"{24}"), 24),
    Shape("A and 12 or more capitals or digits", _BORDER + rb"A[A-Z0-9]{12}", _between_words(rb"A[A-Z0-9]{12,30}"), 14),
    Shape("UUID", _BORDER + _UUID + _END, _between_words(_UUID), 38),
    Shape(
        "e-mail address",
        rb"[0-9A-Za-z_%+-]" + _AT + rb"[0-9A-Za-z]",
        re.compile(
            rb"[0-9A-Za-z._%+-]{1,64}" + _AT + rb"[0-9A-Za-z-]{1,63}(?:\.[0-9A-Za-z-]{1,63}){0,4}\.[A-Za-z]{2,24}"
        ),
        72,
    ),
    Shape(
        "phone number",
        rb"[^0-9A-Za-z][+][1-9][0-9 ()/.-]{3}",
        re.compile(rb"(?<![0-9A-Za-z])[+][1-9](?:" + _DIGIT + rb"){7,14}(?![0-9A-Za-z])"),
        6,
    ),
    Shape(
        "phone number",
        rb"[^0-9A-Za-z.:+-]0[1-9][0-9]{0,4}[ /-][0-9]{2,8}[ /-]?[0-9]",
        re.compile(
            rb"(?<![0-9A-Za-z.:+-])0(?=(?:[0-9][ /-]?){8,14}(?![0-9A-Za-z:]))[1-9][0-9]{0,4}[ /-](?:[0-9]{2,8}[ /-]?)+"
            rb"(?<=[0-9])"
        ),
        22,
    ),
)
_HEX_DIGITS = 0
_ALNUM = frozenset(b"0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ")


@dataclass(frozen=True, slots=True)
class Match:
    """Bytes [start, end) of a buffer. `shape`: the name of a shape, "" for one of the given words."""

    shape: str
    start: int
    end: int
    word: bytes = b""


class Finder:
    """Finds all shapes and all given words, which are in lower case; with Hyperscan if it is installed."""

    def __init__(self, words: list[bytes]):
        self._words = words
        self._find = _hyperscan(words) if importlib.util.find_spec("hyperscan") else _expressions(words)

    def matches(self, buffer: bytes) -> Iterator[Match]:
        """Yield what is in the buffer, in any order, each once."""
        seen: set[tuple[int, int, int]] = set()
        for end, index in self._find(buffer):
            if index >= len(SHAPES):
                word = self._words[index - len(SHAPES)]
                if _stands_alone(buffer, end - len(word), end):
                    yield Match("", end - len(word), end, word)
                continue
            shape = SHAPES[index]
            if index == _HEX_DIGITS:  # of a longer run each end is reported
                if _stands_alone(buffer, end - shape.before, end):
                    yield Match(shape.name, end - shape.before, end)
                continue
            for found in shape.whole.finditer(buffer, max(0, end - shape.before), end + REACH):
                if found.start() >= end:
                    break
                if end <= found.end() + 1 and (key := (index, *found.span())) not in seen:
                    seen.add(key)
                    yield Match(shape.name, *found.span())


def _stands_alone(buffer: bytes, start: int, end: int) -> bool:
    return not ((end < len(buffer) and buffer[end] in _ALNUM) or (start and buffer[start - 1] in _ALNUM))


def _hyperscan(words: list[bytes]) -> Any:
    import hyperscan  # optional

    expressions = [shape.sign for shape in SHAPES] + [re.escape(word) for word in words]
    flags = [hyperscan.HS_FLAG_DOTALL] * len(SHAPES) + [hyperscan.HS_FLAG_CASELESS] * len(words)
    database = hyperscan.Database(mode=hyperscan.HS_MODE_BLOCK)
    database.compile(expressions=expressions, ids=list(range(len(expressions))), flags=flags)

    def find(buffer: bytes) -> list[tuple[int, int]]:
        ends: list[tuple[int, int]] = []
        if buffer:
            database.scan(buffer, match_event_handler=_note, context=ends)
        return ends

    return find


def _note(index: int, start: int, end: int, flags: int, ends: Any) -> None:
    ends.append((end, index))


def _expressions(words: list[bytes]) -> Any:
    import ahocorasick_rs  # the fallback; not imported where Hyperscan is used

    signs = [re.compile(b"(?=" + shape.sign + b")") for shape in SHAPES]
    sizes = [re.compile(shape.sign) for shape in SHAPES]
    automaton = ahocorasick_rs.BytesAhoCorasick(words) if words else None

    def find(buffer: bytes) -> Iterator[tuple[int, int]]:
        for index, sign in enumerate(signs):
            for found in sign.finditer(buffer):
                whole = sizes[index].match(buffer, found.start())
                if whole:
                    yield whole.end(), index
        if automaton:
            for index, _, end in automaton.find_matches_as_indexes(buffer.lower(), overlapping=True):
                yield end, len(SHAPES) + index

    return find
