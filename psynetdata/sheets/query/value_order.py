"""Orders that depend on the shown values: keys of objects, parts of them, and texts that may be JSON.

All rows are read once for the values to sort by, and sorted in a temporary file. Only our keys are kept in memory,
8 bytes per row, so that the rows themselves can be fetched in this order, some at a time.
"""

import json
import sqlite3
from array import array
from collections.abc import Callable, Iterable, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import chain
from typing import Any

# SQLite sorts numbers before bytes: so numbers come before texts, and texts before objects and lists.
_TEXT, _OBJECT = b"\0", b"\1"


def sorted_keys(rows: Iterable[tuple[int, Sequence[Any]]], descending: Sequence[bool]) -> "array[int]":
    """Return the keys of `rows` (key, JSON values), sorted by these values; equal rows keep their order.

    First come numbers by size (false is 0, true is 1), then texts by code point, then objects and lists; null always
    comes last.
    """
    names = [f"value_{number}" for number in range(len(descending))]
    by = chain.from_iterable(
        (f"{name} IS NULL", f"{name} DESC" if down else name) for name, down in zip(names, descending, strict=True)
    )
    with closing(sqlite3.connect("", isolation_level=None)) as file:
        file.execute("PRAGMA journal_mode = OFF")
        file.execute(f"CREATE TABLE found (place INTEGER PRIMARY KEY, key INTEGER, {', '.join(names)})")
        file.execute("BEGIN")
        marks = ", ".join("?" for _ in names)
        insert = f"INSERT INTO found (key, {', '.join(names)}) VALUES (?, {marks})"
        file.executemany(insert, ((key, *map(_sortable, values)) for key, values in rows))
        keys = file.execute(f"SELECT key FROM found ORDER BY {', '.join(by)}, place")
        return array("q", (key for (key,) in keys))


def _sortable(value: Any) -> int | float | bytes | None:
    if value is None or isinstance(value, float):
        return value
    if isinstance(value, int):  # a bool is one
        return int(value) if -(1 << 63) <= value < 1 << 63 else _float(value)
    if isinstance(value, str):
        return _TEXT + value.encode("utf-8", "surrogatepass")
    return _OBJECT + json.dumps(value, ensure_ascii=False).encode("utf-8", "surrogatepass")


def _float(value: int) -> float:
    try:
        return float(value)
    except OverflowError:
        return float("inf") if value > 0 else float("-inf")


@dataclass(frozen=True)
class SortRequest:
    """An order of rows in one state. Equal names mean equal orders, so that several pages need sorting only once."""

    name: tuple
    sort: Callable[[], "array[int]"] = field(compare=False, repr=False)


@lru_cache(maxsize=4)
def cached_order(wish: SortRequest) -> "array[int]":
    return wish.sort()
