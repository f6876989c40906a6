"""Converts PostgreSQL's timestamp text to moments in UTC and back.

PsyNet writes the server's local time without a time zone. The offset of that clock
from UTC is determined for each launch: `experiment_status.creation_time` is naive, and
`now` inside its `extra_info` is the same moment with its time zone (psynet.experiment,
ExperimentStatus). An offset is in minutes, local minus UTC.
"""

import json
import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

_TIMESTAMP = re.compile(r"([0-9]{4}-[0-9]{2}-[0-9]{2} [0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]{1,6})?)")
# Whole columns of timestamps without a time zone, one per line, and NULL.
_COLUMN = re.compile(r"(?:(?:[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9]{2}:[0-9]{2}:[0-5][0-9](?:\.(?!0+\n)[0-9]{1,6})?)?\n)*+")
_ZONED = re.compile(_TIMESTAMP.pattern + r"([+-])([0-9]{2})(?::([0-9]{2}))?")


def parse(text: str, *, offset: int = 0) -> datetime | None:
    """Return the moment in UTC for `timestamp` or `timestamptz` text; None for anything else (`infinity`, BC)."""
    match = _TIMESTAMP.fullmatch(text)
    zone = timedelta(minutes=offset)
    if match is None:
        match = _ZONED.fullmatch(text)
        if match is None:
            return None
        sign = -1 if match[2] == "-" else 1
        zone = sign * timedelta(hours=int(match[3]), minutes=int(match[4] or 0))
    try:
        naive = datetime.fromisoformat(match[1])
        return (naive - zone if zone else naive).replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        return None


def to_postgres(moment: datetime, *, offset: int = 0) -> str:
    """Return the text that PostgreSQL would write for a naive timestamp: no trailing zeros in the fraction."""
    local = moment.astimezone(UTC).replace(tzinfo=None) + timedelta(minutes=offset)
    text = local.strftime("%Y-%m-%d %H:%M:%S") if local.year > 999 else local.isoformat(" ", "seconds")
    return f"{text}.{local.microsecond:06d}".rstrip("0") if local.microsecond else text


def to_iso(moment: datetime) -> str:
    """Return the moment in UTC, ISO 8601, with its fraction: 2026-11-22T08:12:49.210214Z (law 9)."""
    return moment.astimezone(UTC).isoformat().removesuffix("+00:00") + "Z"


def column_to_iso(text: str, *, offset: int = 0) -> str:
    """Return the ISO form of a timestamp column's text; text that is not a timestamp is returned unchanged."""
    moment = parse(text, offset=offset)
    return text if moment is None else to_iso(moment)


class IsoTimes:
    """`column_to_iso` for millions of cells: the part before the seconds is computed once for each minute of data."""

    def __init__(self, offset: int = 0):
        self._offset = offset
        self._minutes = _Minutes(offset)

    def column(self, cells: Sequence[str]) -> list[str]:
        """Convert a column; cells are written as in csvtext.block_rows."""
        if not _COLUMN.fullmatch("\n".join(cells) + "\n"):
            return [column_to_iso(cell, offset=self._offset) if cell else cell for cell in cells]
        minutes, short = self._minutes, self._short
        try:
            return [
                f"{minutes[cell[:16]]}{cell[16:]}Z" if len(cell) == 26 else short(cell) if cell else cell
                for cell in cells
            ]
        except KeyError:  # a date that does not exist
            return [column_to_iso(cell, offset=self._offset) if cell else cell for cell in cells]

    def _short(self, cell: str) -> str:
        """Convert a cell whose fraction has fewer than six digits: PostgreSQL omits trailing zeros, ISO needs them."""
        rest = cell[16:] if len(cell) == 19 else cell[16:].ljust(10, "0")
        return f"{self._minutes[cell[:16]]}{rest}Z"


class _Minutes(dict[str, str]):
    """{`2026-11-22 08:12`: the same minute in UTC, in ISO form}; raises KeyError for text that is not a minute."""

    _MOST = 100_000

    def __init__(self, offset: int):
        super().__init__()
        self._offset = offset

    def __missing__(self, minute: str) -> str:
        moment = parse(f"{minute}:00", offset=self._offset)
        if moment is None:
            raise KeyError(minute)
        if len(self) >= self._MOST:
            self.clear()
        self[minute] = text = to_iso(moment)[:16]
        return text


def clock_offset(creation_time: str | None, extra_info: str | None) -> int | None:
    """Return the minutes that the server's clock is ahead of UTC, from one row of experiment_status.

    `now` there is cut to the minute and written shortly after `creation_time`, so the
    difference is rounded to a quarter of an hour, the resolution of time zones.
    Returns None if either is missing or unreadable.
    """
    naive = parse(creation_time or "")
    try:
        now = datetime.fromisoformat(json.loads(extra_info or "")["now"])
    except (ValueError, KeyError, TypeError):
        return None
    if naive is None or now.tzinfo is None:
        return None
    quarters = round((naive - now.astimezone(UTC)) / timedelta(minutes=15))
    return quarters * 15


def in_words(moment: datetime) -> str:
    """Return a moment for people to read: 2026-11-22 08:12:49 UTC."""
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"


def offset_words(offset: int | None) -> str:
    """Return an offset in minutes for people to read: UTC+01:00."""
    if offset is None:
        return "not found; its times are read as UTC"
    hours, minutes = divmod(abs(offset), 60)
    return "UTC" if offset == 0 else f"UTC{'+' if offset > 0 else '-'}{hours:02d}:{minutes:02d}"
