"""Converts rows of a table to rows of PsyNet's `data/<Class>.csv`.

PsyNet writes one file for each class (psynet.data, SQLMixinDallinger.to_dict and
dump_db_to_disk): the columns of the row, followed by the members of its JSON objects. docs/fidelity.md
says where our files differ and why.

Rows come in blocks from csvtext.block_rows: NULL is "" and the empty text is EMPTY. The code works column
by column, so that most of the time per cell is spent in C. The keys of a class are known only after all rows
were read: each block returns the keys that it found, and `laid_out` arranges a row's values under a header.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import repeat

from psynetdata.psynet.column_roles import Role, columns_with_role, has_role
from psynetdata.psynet.csvtext import EMPTY
from psynetdata.psynet.tables import Column, base_class, class_name, known_tables
from psynetdata.psynet.times import IsoTimes

from . import json_columns, unpacked_keys
from .unpacked_keys import MAX_KEYS

# The columns that an experimenter's table has from SQLMixin; the types of its other columns are unknown. Types of text
# change nothing here.
_MIXIN = {
    name: known_tables()["response"][name].type
    for name in columns_with_role(Role.MIXIN)
    if known_tables()["response"][name].type in ("bool", "timestamp")
}
_TIMESTAMP = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(\.\d{1,6})?([+-]\d\d(:\d\d)?)?")

Keys = dict[str, dict[str, None]]
Convert = Callable[[Sequence[str]], Sequence[str]]


class _Words(dict[str, str]):
    """A dictionary that returns unknown keys unchanged."""

    def __missing__(self, key: str) -> str:
        return key


_BOOL = _Words(t="True", f="False")


@dataclass
class ClassRows:
    """Rows of one class in one block: the cells of the fixed columns, and the unpacked values.

    `values` has a dictionary {key: cell} for each row, or is empty if the table has nothing to unpack.
    """

    fixed: list[tuple[str, ...]] = field(default_factory=list)
    values: list[dict[str, str]] = field(default_factory=list)
    keys: Keys = field(default_factory=dict)

    def laid_out(self, keys: Sequence[str]) -> list[tuple[str, ...]]:
        """Return the rows of the file: fixed cells, then one cell for each key."""
        if not keys:
            return self.fixed
        return [
            fixed + tuple(map(values.get, keys, repeat("")))
            for fixed, values in zip(self.fixed, self.values, strict=True)
        ]


class ClassFiles:
    """The class files of one table.

    `clock`: minutes that the table's naive times are ahead of UTC. `withheld`: columns that do not leave.
    `computed`: names of columns that are added (psynetdata.psynet.classfile.computed_columns). `guessed`: {column:
    bool or timestamp} for columns of unknown type, from `untold` and `guess`.
    """

    def __init__(
        self,
        table: str,
        columns: list[Column],
        *,
        clock: int = 0,
        withheld: frozenset[str] = frozenset(),
        computed: Sequence[str] = (),
        guessed: dict[str, str] | None = None,
    ):
        self.table = table
        self._columns = columns
        self._at = at = {column.name: index for index, column in enumerate(columns)}
        of_psynet = "vars" in at  # Dallinger's own classes write all their columns and have no object_type
        dropped = {*withheld, *(columns_with_role(Role.SPARE, table) if of_psynet else ())}
        self._kept = [index for index, column in enumerate(columns) if column.name not in dropped]
        self._object_type = base_class(table) if of_psynet else None
        # Dallinger calls a request's creation_time `time` (dallinger.models.Request.__json__).
        self._has_time = table == "request" and "creation_time" in at and "creation_time" not in withheld
        self.computed = [name for name in computed if name not in at]
        self.fixed_columns = [
            *(columns[index].name for index in self._kept),
            *(["time"] if self._has_time else []),
            *self.computed,
            "class",
            *(["object_type"] if of_psynet else []),
        ]
        taken = unpacked_keys.standing(at).union(self.computed)
        sources = [name for name in unpacked_keys.sources(table, at) if name not in withheld]
        self.unpacked = {name: json_columns.Unpacker(name, taken) for name in sources}
        self._times = IsoTimes(clock)
        self._guessed = guessed or {}
        self._converters = [(index, self._converter(columns[index])) for index in self._kept]
        self._classes: dict[str, str] = {}

    @property
    def untold(self) -> list[str]:
        """Names of the columns of unknown type: see `guess`."""
        return [self._columns[index].name for index in self._kept if self._known_type(self._columns[index]) is None]

    def guess(self, rows: list[list[str]]) -> dict[str, set[str]]:
        """Return {column of unknown type: possible types of all its cells}, of {bool, timestamp}.

        Both types are possible if all cells in the block are NULL.
        """
        kinds_by_column = {}
        for name in self.untold:
            cells = [row[self._at[name]] for row in rows if row[self._at[name]]]
            kinds_by_column[name] = {
                kind for kind in ("bool", "timestamp") if all(_looks_like(kind, cell) for cell in cells)
            }
        return kinds_by_column

    def types(self) -> dict[str, str | None]:
        """Return {fixed column: PostgreSQL type, or None if it is text or unknown}."""
        of = {column.name: self._type_of(column) for column in self._columns}
        of |= {"time": "timestamp", "class": None, "object_type": None}
        of |= {name: "int4" if name.startswith("n_") else None for name in self.computed}
        return {name: of[name] for name in self.fixed_columns}

    def by_name(self, rows: list[list[str]]) -> dict[str, Sequence[str]]:
        """Return the columns of a block by name: {column: cells}."""
        return dict(zip(self._at, zip(*rows, strict=True), strict=True)) if rows else dict.fromkeys(self._at, ())

    def kinds(self) -> dict[str, int]:
        """Return {key: kinds of its values so far} (psynetdata.psynet.classfile.json_columns)."""
        kinds_by_key: dict[str, int] = {}
        for unpacker in self.unpacked.values():
            for key, kinds in unpacker.kinds.items():
                kinds_by_key[key] = kinds_by_key.get(key, 0) | kinds
        return kinds_by_key

    def class_rows(
        self, rows: list[list[str]], computed: dict[str, Sequence[str]] | None = None
    ) -> dict[str, ClassRows]:
        """Return {class: its rows in the block}. `computed`: the cells of the computed columns, one for each row."""
        if not rows:
            return {}
        columns = list(zip(*rows, strict=True))
        names = self._names(columns)
        cells = [columns[index] if convert is None else convert(columns[index]) for index, convert in self._converters]
        if (index := self._at.get("type")) in self._kept:
            cells[self._kept.index(index)] = self._shown_types(names, columns)
        if self._has_time:
            cells.append(self._times.column(columns[self._at["creation_time"]]))
        cells += [(computed or {})[name] for name in self.computed]
        cells.append(names)
        if self._object_type is not None:
            cells.append([self._object_type] * len(rows))
        unpacked = [unpacker.column(columns[self._at[name]]) for name, unpacker in self.unpacked.items()]
        return self._by_class(names, list(zip(*cells, strict=True)), unpacked)

    def _by_class(
        self, names: Sequence[str], fixed: list[tuple[str, ...]], unpacked: list[list[dict[str, str]]]
    ) -> dict[str, ClassRows]:
        merged = _merged(unpacked) if unpacked else []
        distinct = dict.fromkeys(names)
        if len(distinct) == 1:
            rows_by_class = {names[0]: ClassRows(fixed, merged)}
            unpacked_by_class = {names[0]: unpacked}
        else:
            rows_by_class = {name: ClassRows() for name in distinct}
            unpacked_by_class = {name: [[] for _ in unpacked] for name in distinct}
            for row, name in enumerate(names):
                class_rows = rows_by_class[name]
                class_rows.fixed.append(fixed[row])
                if merged:
                    class_rows.values.append(merged[row])
                for mine, source in zip(unpacked_by_class[name], unpacked, strict=True):
                    mine.append(source[row])
        for name, class_rows in rows_by_class.items():
            class_rows.keys = {
                source: _keys(values) for source, values in zip(self.unpacked, unpacked_by_class[name], strict=True)
            }
        return rows_by_class

    def _names(self, columns: list[tuple[str, ...]]) -> list[str]:
        """Return the class of each row."""
        at = self._at.get("type")
        if at is None:
            return [class_name(self.table, None)] * len(columns[0])
        known = self._classes
        for text in set(columns[at]):
            if text not in known:
                known[text] = class_name(self.table, "" if text == EMPTY else text)
        return [known[text] for text in columns[at]]

    def _shown_types(self, names: list[str], columns: list[tuple[str, ...]]) -> list[str]:
        """Return `type` as PsyNet shows it: the class's name, but TrialSource for the first node of a chain."""
        types = columns[self._at["type"]]
        if self.table != "node":
            return [name if text else "" for name, text in zip(names, types, strict=True)]
        degrees = columns[self._at["degree"]] if "degree" in self._at else repeat("")
        return [
            "" if not text else "TrialSource" if name == "GenericTrialNode" or degree == "0" else name
            for name, text, degree in zip(names, types, degrees, strict=False)
        ]

    def _type_of(self, column: Column) -> str | None:
        return self._known_type(column) or self._guessed.get(column.name)

    @staticmethod
    def _known_type(column: Column) -> str | None:
        return column.type or _MIXIN.get(column.name)

    def _converter(self, column: Column) -> Convert | None:
        kind = self._type_of(column)
        if kind == "bool":
            return lambda cells: [_BOOL[cell] for cell in cells]
        if kind in ("timestamp", "timestamptz"):
            return self._times.column
        if kind in ("varchar", "json", "jsonb", None):
            is_value = has_role(Role.VALUE, self.table, column.name)
            return json_columns.values if is_value else json_columns.strings
        return None


def final_keys(keys: Keys) -> tuple[str, ...]:
    """Return the unpacked columns of a class, in the order of its header, without objects that are keyed by data."""
    return tuple(dict.fromkeys(key for names in keys.values() if len(names) < MAX_KEYS for key in names))


def left_packed(keys: Keys) -> list[str]:
    """Return the columns whose objects have MAX_KEYS or more different keys, and are not unpacked."""
    return sorted(source for source, names in keys.items() if len(names) >= MAX_KEYS)


def add_keys(keys: Keys, more: Keys) -> None:
    """Add the keys `more` to `keys`. Once a column has MAX_KEYS, no more are needed: it stays packed."""
    for source, names in more.items():
        mine = keys.setdefault(source, {})
        if len(mine) < MAX_KEYS:
            mine.update(names)


def _merged(unpacked: list[list[dict[str, str]]]) -> list[dict[str, str]]:
    """Return the merged objects of each row; if several objects have a key, the first one gives the value."""
    first, *others = unpacked
    for other in others:
        first = [
            {**second, **one} if one and second else one or second for one, second in zip(first, other, strict=True)
        ]
    return first


def _keys(values: list[dict[str, str]]) -> dict[str, None]:
    keys: dict[str, None] = {}
    for value in values:
        if not value.keys() <= keys.keys():
            keys.update(dict.fromkeys(value))
    return keys


def _looks_like(kind: str, cell: str) -> bool:
    return cell in ("t", "f") if kind == "bool" else _TIMESTAMP.fullmatch(cell) is not None
