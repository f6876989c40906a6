"""Times that reveal less: shifted by a constant for each participant, or cut to the day.

All times of a participant, in all tables, are moved back by 1 to 364 whole days. The deployment's key determines the
number, so it is the same in all exports. Order and intervals within a participant stay, and so does the time of day.
Times in rows of nobody (a shared chain's nodes, the server's status) and of several participants (a group) are cut to
the year: a row that was created when a participant's trial ended would reveal the shift. So is the time of the launch
in the deployment's id (psynet.deployment_info, `<label>__mode=<mode>__launch=<time>`), wherever it is quoted.

This hides dates from somebody who reads rows one by one. It does not hide them from somebody who puts rows in order:
tests/anonymize/test_dates_attack.py states how much that person gets.
"""

import hmac
import re
from collections import Counter
from collections.abc import Callable
from datetime import date, timedelta
from functools import lru_cache

from psynetdata.psynet.column_roles import Role, columns_with_role
from psynetdata.psynet.csvtext import Row
from psynetdata.psynet.ownership.people import People
from psynetdata.psynet.tables import Column

from .options import Options

MOST_DAYS = 364
_TIMES = ("timestamp", "timestamptz", "date")
_NO_TEXT = (*_TIMES, "int2", "int4", "int8", "float4", "float8", "numeric", "bool")
_TIME = re.compile(r"(?<![\d-])(\d{4}-\d\d-\d\d)([T ]\d\d:\d\d(?::\d\d(?:\.\d+)?)?)")
_WHOLE = re.compile(r"\d{4}-\d\d-\d\d(?:[T ].*)?", re.DOTALL)
_LAUNCH = re.compile(r"(launch(?:=|%3D)\d{4})-\d\d-\d\d--\d\d-\d\d-\d\d", re.IGNORECASE)
_DIGIT = re.compile(r"\d")


class Dates:
    """Changes the times of one deployment; `table` returns the object that is applied to rows."""

    def __init__(self, key: bytes, options: Options, people: People):
        self._key, self._options, self._people = key, options, people
        self.shifts = options.shift_dates
        self._days: dict[str, int] = {}

    def table(self, table: str, columns: list[Column], times: set[str]) -> "TableDates":
        """Return the object for one table. `times`: names of columns with times, next to those of a time type."""
        return TableDates(self, table, columns, times)

    def changed_of(self, person: str) -> Callable[[str, str], str]:
        """Return a function (date, time of day) → text that leaves, for a participant's rows ("": rows of nobody)."""
        day = self._options.coarsen == "day"
        if not self.shifts:
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
    """Changes times in the rows of one table; `counts` counts rows of participants and of nobody if times shift."""

    def __init__(self, owner: Dates, table: str, columns: list[Column], times: set[str]):
        self.counts: Counter[str] = Counter()
        self._changed_of = owner.changed_of
        self._whose = owner.whose(table, columns) if owner.shifts else None
        self._cells = [at for at, column in enumerate(columns) if column.type in _TIMES or column.name in times]
        dated = columns_with_role(Role.DATED, table)
        self._texts = [at for at, column in enumerate(columns) if column.name in dated]
        # Columns of unknown type, as in an experimenter's own table: only cells that are a time as a whole.
        self._unknown = [at for at, column in enumerate(columns) if column.type is None and at not in self._cells]

        # The deployment's id may be quoted in any text.
        self._any_text = [at for at, column in enumerate(columns) if owner.shifts and column.type not in _NO_TEXT]

    def row(self, cells: Row, out: Row) -> None:
        """Change the times in `out`, the row that leaves; `cells` is the original row."""
        person = ""
        if self._whose is not None:
            person = self._whose(cells)
            self.counts["of a participant" if person else "of nobody"] += 1
        change = self._changed_of(person)
        for at in self._cells:
            if (cell := out[at]) and _WHOLE.fullmatch(cell):
                out[at] = change(cell[:10], cell[10:])
        for at in self._unknown:
            if (cell := out[at]) and _TIME.match(cell) and _WHOLE.fullmatch(cell):
                out[at] = change(cell[:10], cell[10:])
        for at in self._texts:
            if (cell := out[at]) and ":" in cell and "-" in cell:
                out[at] = _TIME.sub(lambda match: change(match[1], match[2]), cell)
        for at in self._any_text:
            if (cell := out[at]) and "launch" in cell:
                out[at] = without_launch(cell)


def without_launch(text: str) -> str:
    """Return the text with the time in the deployment's id cut to the year."""
    return _LAUNCH.sub(r"\1-01-01--00-00-00", text)


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
    """Return a time of day set to midnight: ` 08:12:49.21+00` → ` 00:00:00+00`. The time zone stays."""
    clock, zone = time[:9], time[9:]
    fraction = re.match(r"\.\d+", zone)
    return _no_fraction(clock) + (zone[fraction.end() :] if fraction else zone)


@lru_cache(maxsize=100_000)
def _shifted(text: str, days: int) -> str:
    try:
        return (date.fromisoformat(text) - timedelta(days=days)).isoformat()
    except (ValueError, OverflowError):
        return text
