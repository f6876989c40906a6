"""Describe where in a member a hit is, in a way that helps: the column of a CSV, the key in JSON."""

import csv
import re
from collections.abc import Callable

_KEY = re.compile(rb'"([A-Za-z_][\w .:-]{0,60})[\\"]{1,4}\s*:')


class HitLocation:
    """The location of a hit in a stream, of which one buffer at a time is available."""

    is_json = False

    def __init__(self, safe: Callable[[str], str]):
        self._safe = safe

    def drop(self, dropped: bytes) -> None:
        """Drop the buffer's first bytes; offsets now count from after them."""

    def describe(self, buffer: bytes, start: int, end: int) -> str:
        return "content"


class JsonLocation(HitLocation):
    """The nearest key before the hit."""

    is_json = True

    def describe(self, buffer: bytes, start: int, end: int) -> str:
        keys = _KEY.findall(buffer, max(0, start - 2048), start)
        return f"key {self._safe(keys[-1].decode())}" if keys else "content"


class CsvLocation(HitLocation):
    """The column of the hit, found by counting quotes and commas since the row began."""

    def __init__(self, safe: Callable[[str], str]):
        super().__init__(safe)
        self._quoted = False
        self._column = 0
        self._first_row = True
        self._header: bytearray | None = bytearray()
        self._names: list[str] = []
        self._last: tuple[bytes, int, tuple[bool, int, bool]] = (b"", 0, (True, 0, False))

    def drop(self, dropped: bytes) -> None:
        self._learn(dropped)
        self._first_row, self._column, self._quoted = self._at(dropped, len(dropped))

    def describe(self, buffer: bytes, start: int, end: int) -> str:
        if not self._names:
            line = bytes(self._header or b"") + buffer
            self._read_header(line)
        first_row, column, _ = self._at(buffer, max(start, end - 1))
        if first_row:
            return "header"
        name = self._names[column] if column < len(self._names) else ""
        return f"column {self._safe(name)}" if name else f"column {column + 1}"

    def _learn(self, dropped: bytes) -> None:
        if self._header is not None and not self._names:
            self._header += dropped
            if b"\n" in dropped or len(self._header) > 1 << 20:
                self._read_header(bytes(self._header))
                self._header = None

    def _read_header(self, line: bytes) -> None:
        if b"\n" in line:
            text = line.partition(b"\n")[0].decode("utf-8", "replace")
            self._names = next(csv.reader([text]), [])

    def _at(self, data: bytes, offset: int) -> tuple[bool, int, bool]:
        """Return (still in the first row, column, inside quotes) at an offset.

        Hits of one buffer come roughly in order, so it continues from the last one.
        """
        seen, at, state = self._last
        if seen is not data or at > offset:
            at, state = 0, (self._first_row, self._column, self._quoted)
        found = self._from(data, at, offset, state)
        self._last = data, offset, found
        return found

    @staticmethod
    def _from(data: bytes, at: int, offset: int, state: tuple[bool, int, bool]) -> tuple[bool, int, bool]:
        first_row, column, was_quoted = state
        quoted = was_quoted ^ bool(data.count(b'"', at, offset) & 1)
        newline, inside = offset, quoted
        while (found := data.rfind(b"\n", at, newline)) >= 0:
            inside ^= bool(data.count(b'"', found, newline) & 1)
            newline = found
            if not inside:
                return False, _commas(data[found + 1 : offset], quoted=False), quoted
        return first_row, column + _commas(data[at:offset], quoted=was_quoted), quoted


def _commas(data: bytes, *, quoted: bool) -> int:
    return sum(piece.count(b",") for piece in data.split(b'"')[1 if quoted else 0 :: 2])


def location_for(name: str, safe: Callable[[str], str]) -> HitLocation:
    """Return the kind of Place for a member's name."""
    suffix = name.lower().rpartition(".")[2]
    if suffix == "csv":
        return CsvLocation(safe)
    return JsonLocation(safe) if suffix in ("json", "jsonl", "ndjson", "ipynb", "geojson") else HitLocation(safe)
