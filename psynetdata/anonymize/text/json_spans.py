"""Changes JSON text in place: only the strings that change are rewritten.

Numbers, NaN, spacing and escapes of everything else stay as PsyNet wrote them, so
1.0 stays 1.0 and an untouched cell stays the same, byte for byte.
"""

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from json.decoder import scanstring  # type: ignore[attr-defined]  # missing in Python's stubs

_STRING = re.compile(r'"(?:[^"\\]|\\.)*"', re.DOTALL)
_NUMBER = re.compile(r'"(?:[^"\\]|\\.)*"|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?', re.DOTALL)
_SPACE = re.compile(r"[ \t\r\n]*")
_DECODER = json.JSONDecoder()


@dataclass(frozen=True, slots=True)
class Member:
    """A member of a JSON object: its key, and the spans of key and value in the text."""

    key: str
    key_span: tuple[int, int]
    value_span: tuple[int, int]


def is_json(text: str) -> bool:
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True


def quote(value: str, *, like: str = "") -> str:
    """Return a JSON string. Non-ASCII characters are escaped if the text it replaces (`like`) is pure ASCII."""
    return json.dumps(value, ensure_ascii=like.isascii())


def rewrite_strings(text: str, change: Callable[[str, bool], str]) -> str:
    """Return the JSON text with each string passed through `change(value, is_key)`. The text must be valid JSON."""

    def replace(match: re.Match[str]) -> str:
        token = match.group()
        value = json.loads(token, strict=False) if "\\" in token else token[1:-1]
        changed = change(value, _colon_follows(text, match.end()))
        return token if changed == value else quote(changed, like=token)

    return _STRING.sub(replace, text)


def rewrite_numbers(text: str, change: Callable[[str], str | None]) -> str:
    """Return the JSON text with numbers replaced by the string that `change(number)` returns; None: unchanged."""

    def replace(match: re.Match[str]) -> str:
        token = match.group()
        changed = None if token[0] == '"' else change(token)
        return token if changed is None else quote(changed)

    return _NUMBER.sub(replace, text)


def members(text: str) -> list[Member] | None:
    """Return the members of a JSON object text, in order; None if the text is not a valid JSON object."""
    try:
        return _members(text)
    except (ValueError, IndexError, RecursionError):
        return None


def _members(text: str) -> list[Member] | None:
    at = _skip(text, 0)
    if text[at] != "{":
        return None
    members: list[Member] = []
    at = _skip(text, at + 1)
    while text[at] != "}":
        if text[at] != '"':
            return None
        key, key_end = scanstring(text, at + 1)
        colon = _skip(text, key_end)
        start = _skip(text, colon + 1)
        _, end = _DECODER.raw_decode(text, start)
        members.append(Member(key, (at, key_end), (start, end)))
        at = _skip(text, end)
        if text[colon] != ":" or text[at] not in ",}":
            return None
        if text[at] == ",":
            at = _skip(text, at + 1)
    return members if _skip(text, at + 1) == len(text) else None


def splice(text: str, pieces: list[tuple[tuple[int, int], str]]) -> str:
    """Return the text with each span replaced; spans must be in order and must not overlap."""
    out: list[str] = []
    at = 0
    for (start, end), new in pieces:
        out += (text[at:start], new)
        at = end
    return "".join([*out, text[at:]])


def _skip(text: str, at: int) -> int:
    space = _SPACE.match(text, at)
    return space.end() if space else at


def _colon_follows(text: str, at: int) -> bool:
    return text.startswith(":", _skip(text, at))
