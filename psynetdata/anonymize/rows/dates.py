"""Times that say less: shifted by a constant of each participant's, cut to the day.

A participant's times, in whatever table, go back by 1 to 364 whole days that the deployment's key chooses: the same in
all its exports. So order and intervals within a participant stay, and the time of day. Rows of nobody (a chain's nodes,
the server's status) are cut to the year: one that was made when someone's trial ended would tell that shift.
"""

import hmac
import re
from collections import Counter
from collections.abc import Callable
from datetime import date, timedelta
from functools import lru_cache

from psynetdata.psynet.csvtext import Row
from psynetdata.psynet.tables import Column

from .options import Options
from .owners import People

MOST_DAYS = 364
_TIMES = ("timestamp", "timestamptz", "date")
# Where PsyNet itself writes times into text. What was shown or answered is data, whatever date stands in it.
_TEXTS = frozenset({"vars", "metadata_", "details", "extra_info", "arguments", "failed_reason", "traceback"})
_TIME = re.compile(r"(?<![\d-])(\d{4}-\d\d-\d\d)([T ]\d\d:\d\d(?::\d\d(?:\.\d+)?)?)")
_WHOLE = re.compile(r"\d{4}-\d\d-\d\d(?:[T ].*)?", re.DOTALL)
_DIGIT = re.compile(r"\d")


class Dates:
    """For one deployment; `table` makes what is used on rows."""

    def __init__(self, key: bytes, options: Options, people: People):
        self._key, self._options, self._people = key, options, people
        self._days: dict[str, int] = {}

    def table(self, table: str, columns: list[Column], times: set[str]) -> "TableDates":
        """`times`: names of columns whose cells are times, beside those whose type says so."""
        return TableDates(self, table, columns, times)

    def changed_of(self, person: str) -> Callable[[str, str], str]:
        """(date, time of day) → both as they leave, for the rows of one participant; "" for those of nobody."""
        day = self._options.coarsen == "day"
        if not self._options.shift_dates:
            return _midnight if day else _same
        if not person:
            return _year
        days = self._shift(person)
        return lambda date, time: _shifted(date, days) + (_zeros(time) if day else time)

    def whose(self, table: str, columns: list[Column]) -> Callable[[Row], str]:
        return self._people.finder(table, [column.name for column in columns])

    def _shift(self, person: str) -> int:
        days = self._days.get(person)
        if days is None:
            digest = hmac.digest(self._key, b"dates of participant " + person.encode(), "sha256")
            days = self._days[person] = 1 + int.from_bytes(digest[:8], "big") % MOST_DAYS
        return days


class TableDates:
    """For the rows of one table; `counts` says whose rows they were."""

    def __init__(self, owner: Dates, table: str, columns: list[Column], times: set[str]):
        self.counts: Counter[str] = Counter()
        self._changed_of = owner.changed_of
        self._whose = owner.whose(table, columns)
        self._cells = [at for at, column in enumerate(columns) if column.type in _TIMES or column.name in times]
        self._texts = [at for at, column in enumerate(columns) if column.name in _TEXTS]
        # Columns of unknown type, as in an experimenter's own table: what is a time as a whole.
        self._unknown = [at for at, column in enumerate(columns) if column.type is None and at not in self._cells]

    def row(self, cells: Row, out: Row) -> None:
        """Changes `out`, which is how `cells` leave otherwise."""
        person = self._whose(cells)
        change = self._changed_of(person)
        self.counts["of a participant" if person else "of nobody"] += 1
        for at in self._cells:
            if (cell := out[at]) and _WHOLE.fullmatch(cell):
                out[at] = change(cell[:10], cell[10:])
        for at in self._unknown:
            if (cell := out[at]) and _TIME.match(cell) and _WHOLE.fullmatch(cell):
                out[at] = change(cell[:10], cell[10:])
        for at in self._texts:
            if (cell := out[at]) and ":" in cell and "-" in cell:
                out[at] = _TIME.sub(lambda match: change(match[1], match[2]), cell)


def _same(date: str, time: str) -> str:
    return date + time


def _midnight(date: str, time: str) -> str:
    return date + _zeros(time)


def _year(date: str, time: str) -> str:
    return f"{date[:4]}-01-01{_zeros(time)}"


@lru_cache(maxsize=1_000)
def _no_fraction(time: str) -> str:
    return _DIGIT.sub("0", time)


def _zeros(time: str) -> str:
    """` 08:12:49.21+00` → ` 00:00:00+00`: the zone stays."""
    clock, zone = time[:9], time[9:]
    fraction = re.match(r"\.\d+", zone)
    return _no_fraction(clock) + (zone[fraction.end() :] if fraction else zone)


@lru_cache(maxsize=100_000)
def _shifted(text: str, days: int) -> str:
    try:
        return (date.fromisoformat(text) - timedelta(days=days)).isoformat()
    except (ValueError, OverflowError):
        return text
