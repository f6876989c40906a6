"""Spans of a text that are replaced: how far they reach, whether they count, and replacing them."""

import re

_URL_BACKWARDS = re.compile(r"[^\s\"'<>(),]*")
_LONGEST_URL = 4_000
_URL_AFTER = re.compile(r"[\w./%?=&#+~-]*")
_ADDRESS_AFTER = re.compile(r"[0-9]*")
_FRACTION = re.compile(r"[.,](?!0+(?![0-9]))[0-9]")
_BORDERS = "\"'\n\r\t,;|<>"
_WORDLIKE = frozenset("0123456789abcdefghijklmnopqrstuvwxyz")

# (start, end, replacement)
Span = tuple[int, int, str]


def substitute(text: str, spans: list[Span]) -> str:
    """Return the text with all spans replaced; of spans that overlap, the first and longest one is written."""
    out: list[str] = []
    at = 0
    for start, end, new in sorted(spans, key=lambda span: (span[0], -span[1])):
        if start >= at:
            out += (text[at:start], new)
            at = end
        else:  # no part of an overlapping span may remain
            at = max(at, end)
    return "".join([*out, text[at:]])


def widen(text: str, start: int, end: int, kind: str) -> tuple[int, int]:
    """Widen a match to a file's whole URL or a whole address: the known part alone is not enough."""
    if kind == "asset":
        backwards = text[max(0, start - _LONGEST_URL) : start][::-1]
        before, after = _URL_BACKWARDS.match(backwards), _URL_AFTER.match(text, end)
        return start - (before.end() if before else 0), (after.end() if after else end)
    if kind == "address":
        after = _ADDRESS_AFTER.match(text, end)
        return start, (after.end() if after else end)
    return start, end


def stands_alone(text: str, start: int, end: int) -> bool:
    """Return whether no ASCII letter or digit touches the span; digits must also not be part of a decimal
    number, except one that ends in `.0`."""
    before, after = text[start - 1 : start], text[end : end + 1]
    if before in _WORDLIKE or after in _WORDLIKE:
        return False
    if not text[start:end].isdigit():
        return True
    fraction = before in (".", ",") and text[start - 2 : start - 1].isdigit()
    return not fraction and _FRACTION.match(text, end) is None


def between_borders(text: str, start: int, end: int) -> bool:
    """Return whether the span is a whole line, an item of a list, or the content of a tag."""
    return (start == 0 or text[start - 1] in _BORDERS) and (end == len(text) or text[end] in _BORDERS)
