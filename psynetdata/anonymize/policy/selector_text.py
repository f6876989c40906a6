"""How a selector is written: names from the data are literal, and only a `*` that a person writes stands for anything.

In a name from the data these characters are written as %XX (the bytes of their UTF-8): `*` and `%`, blanks at both
ends, line ends, control characters and halves of surrogate pairs. So is `.` in a key, where it separates a key from the
key below, and `/` in a class, where it separates the class from its key. An empty name is `(empty)`.
"""

import re
from functools import lru_cache

# What a selector says about values that have no name, and about names beyond the number that is counted.
EMPTY, NO_OBJECT, OTHERS = "(empty)", "(no object)", "(others)"
_RESERVED = (EMPTY, NO_OBJECT, OTHERS)
_BAD = "%*\\x00-\\x1f\\x7f-\\x9f\\u2028\\u2029\\ud800-\\udfff"
_IN_NAME = re.compile(rf"[{_BAD}]|^\s+|\s+$")
_IN_KEY = re.compile(rf"[{_BAD}.]|^\s+|\s+$")
_IN_CLASS = re.compile(rf"[{_BAD}/]|^\s+|\s+$")
_LONE_PERCENT = re.compile(r"%(?![0-9A-F]{2})")
_UNWRITABLE = re.compile(rf"[{_BAD.removeprefix('%*')}]")
_ESCAPES = re.compile(r"(?:%[0-9A-F]{2})+")


@lru_cache(maxsize=50_000)
def of_name(name: str) -> str:
    """Return a question, or a part of an asset's selector, as it is written."""
    return _written(name, _IN_NAME)


@lru_cache(maxsize=50_000)
def of_key(name: str) -> str:
    """Return a key of a JSON object as it is written."""
    return _written(name, _IN_KEY)


@lru_cache(maxsize=5_000)
def of_class(name: str) -> str:
    """Return a class as it is written before its key."""
    return _written(name, _IN_CLASS)


def of_question(selector: str) -> str | None:
    """Return how a question is written that has the name of this key; None for a key below another key."""
    return None if "." in selector else selector.replace("%2E", ".")


def plain(selector: str) -> str:
    """Return the selector with its names as they are in the data."""
    if selector == EMPTY:
        return ""
    return _ESCAPES.sub(_unescaped, selector) if "%" in selector else selector


def last_name(selector: str, has_class: bool = False) -> str:
    """Return the last name in a selector as it is in the data. `has_class`: a class comes before the key."""
    name = selector.rpartition(".")[2] if "." in selector else selector.partition("/")[2] if has_class else selector
    return plain(name or selector)


def typed(selector: str) -> str:
    """Return a selector that a person typed as it is written: a `%` that escapes nothing is itself."""
    return _UNWRITABLE.sub(_escaped, _LONE_PERCENT.sub("%25", selector.strip()))


def is_pattern(selector: str) -> bool:
    """Return whether the selector stands for several names."""
    return "*" in selector


def keys_above(selector: str) -> list[str]:
    """Return the selectors of the keys above, the nearest first: `a.b` and `a` for `a.b.c`."""
    return [selector[:at] for at in range(len(selector) - 1, 0, -1) if selector[at] == "."]


def _written(name: str, special: re.Pattern[str]) -> str:
    if not name:
        return EMPTY
    if name in _RESERVED:
        return "%28" + name[1:]
    return special.sub(_escaped, name)


def _escaped(match: re.Match[str]) -> str:
    return "".join(f"%{byte:02X}" for byte in match.group().encode("utf-8", "surrogatepass"))


def _unescaped(match: re.Match[str]) -> str:
    data = bytes.fromhex(match.group().replace("%", ""))
    try:
        return data.decode("utf-8", "surrogatepass")
    except UnicodeDecodeError:
        return match.group()
