"""Rounding, by the kind of content: what a value looks like afterwards keeps its type."""

import re
from collections.abc import Callable

_DATE = re.compile(r"(\d{4}-\d\d-\d\d)[ T]\d\d:\d\d(?::\d\d(?:\.\d+)?)?")
_NUMBER = re.compile(r"-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?")
AGE_BAND = 5


def day(text: str) -> str:
    """A timestamp at the midnight of its day."""
    return _DATE.sub(lambda match: match[1] + " 00:00:00", text)


def size(text: str) -> str:
    """A size in MB to two decimals (10 kB): enough to plan a download, too little to recognise a file."""
    return format(round(float(text), 2), "g") if _NUMBER.fullmatch(text) else "0"


def age(text: str) -> str:
    """An age, as JSON number or string, rounded down to a band of five years; anything else is null."""
    match = re.fullmatch(r'("?)(\d{1,3})(?:\.\d+)?("?)', text.strip())
    if match is None:
        return "null"
    return f"{match[1]}{int(match[2]) // AGE_BAND * AGE_BAND}{match[3]}"


BY_KIND: dict[str, Callable[[str], str]] = {"time": day, "asset_size": size, "age": age}
