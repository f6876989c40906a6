"""How a row of a table becomes a row of PsyNet's `data/<Class>.csv`.

PsyNet writes one file for each class (psynet.data, SQLMixinDallinger.to_dict and
dump_db_to_disk): the columns of the row, and beside them what its JSON objects hold. docs/fidelity.md
says where our files differ and why.

A header must be known before the first row is written, so a table is gone through twice: `look` at
each row, then turn each into `cells`.
"""

import json
import re
from collections.abc import Callable, Iterator
from functools import partial

from . import jsontext, times
from .csvtext import Row
from .tables import UNEXPORTED_COLUMNS, Column, camel_case, class_name

# Objects with more different keys than this are keyed by data (ids, times); their keys stay in their own column.
MAX_KEYS = 2000

# What Dallinger's network view needs beside `type` (psynet.data, get_sql_base_class); else the table's CamelCase name.
_BASE_CLASSES = {"response": "_Response", "experiment": "ExperimentConfig"}
# Columns of PsyNet's type PythonObject in which `true` and `null` are JSON and no words.
_JSON_COLUMNS = {"answer", "context", "definition", "seed"}
# What every table of an experimenter's has from psynet.data, SQLMixin; nobody told us the types of the rest.
_MIXIN = {"failed": "bool", "creation_time": "timestamp", "time_of_death": "timestamp"}
_TIMESTAMP = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(\.\d{1,6})?([+-]\d\d(:\d\d)?)?")
_UNWRITABLE = re.compile("[\0\ud800-\udfff]")

Convert = Callable[[str], str | None]


class ClassFiles:
    """The class files of one table.

    `clock`: minutes that the table's naive times are ahead of UTC. `withheld`: columns that do not leave.
    `rows`: {class: rows seen by `look`}.
    """

    def __init__(self, table: str, columns: list[Column], *, clock: int = 0, withheld: frozenset[str] = frozenset()):
        self.table = table
        self.rows: dict[str, int] = {}
        self._columns = columns
        self._clock = clock
        at = {column.name: index for index, column in enumerate(columns)}
        self._standing = {*at, "class", "object_type", "time"}
        self._type, self._degree, self._created = at.get("type"), at.get("degree"), at.get("creation_time")
        of_psynet = "vars" in at  # Dallinger's own classes write all their columns and have no object_type
        dropped = {*withheld, *(UNEXPORTED_COLUMNS if of_psynet else ())}
        self._kept = [index for index, column in enumerate(columns) if column.name not in dropped]
        self._has_object_type = of_psynet
        # Dallinger calls a request's creation_time `time` (dallinger.models.Request.__json__).
        self._has_time = table == "request" and "creation_time" in at and "creation_time" not in withheld
        unpacked = ("vars", "definition", "answer") if table == "info" else ("vars",)
        self._unpacked = [(name, at[name]) for name in unpacked if name in at and name not in withheld]
        self._keys: dict[str, dict[str, dict[str, None]]] = {}
        self._untold = {index: {"bool", "timestamp"} for index in self._kept if self._told(columns[index]) is None}
        self._headers: dict[str, tuple[list[str], list[str]]] = {}
        self._converters: list[tuple[int, Convert | None]] | None = None

    def look(self, row: Row) -> None:
        """First pass: count the row under its class, remember its keys and what its columns look like."""
        name = self._class_of(row)
        self.rows[name] = self.rows.get(name, 0) + 1
        keys = self._keys.setdefault(name, {source: {} for source, _ in self._unpacked})
        for source, found in self._objects(row):
            if len(keys[source]) < MAX_KEYS:
                keys[source].update(dict.fromkeys(found))
        for index, possible in self._untold.items():
            if possible and (cell := row[index]) is not None:
                self._untold[index] = {kind for kind in possible if _looks_like(kind, cell)}

    def classes(self) -> list[str]:
        return sorted(self.rows)

    def header(self, name: str) -> list[str]:
        """Names of the columns of a class's file: the table's, `class`, `object_type`, then the unpacked keys."""
        fixed, keys = self._header(name)
        return [*fixed, *keys]

    def left_packed(self) -> dict[str, list[str]]:
        """{class: columns whose objects have more than MAX_KEYS keys and are not unpacked}."""
        found = {
            name: [source for source, keys in of.items() if len(keys) >= MAX_KEYS] for name, of in self._keys.items()
        }
        return {name: sorted(sources) for name, sources in sorted(found.items()) if sources}

    def cells(self, row: Row) -> tuple[str, Row]:
        """Second pass: (class, the cells of its file's row, in the order of its header)."""
        if self._converters is None:
            self._converters = [(index, self._converter(index)) for index in self._kept]
        name = self._class_of(row)
        cells = [
            cell if (cell := row[index]) is None or convert is None else convert(cell)
            for index, convert in self._converters
        ]
        if self._type in self._kept and row[self._type] is not None:
            cells[self._kept.index(self._type)] = self._shown_type(name, row)
        if self._has_time:
            created = row[self._created]
            cells.append(None if created is None else times.column_to_iso(created, offset=self._clock))
        cells.append(name)
        if self._has_object_type:
            cells.append(_BASE_CLASSES.get(self.table, camel_case(self.table)))
        keys = self._header(name)[1]
        if keys:
            values: dict[str, object] = {}
            for _, found in self._objects(row):
                values = found | values
            cells += [_text(values[key]) if key in values else None for key in keys]
        return name, cells

    def _header(self, name: str) -> tuple[list[str], list[str]]:
        if name not in self._headers:
            fixed = [self._columns[index].name for index in self._kept]
            fixed += [
                *(["time"] if self._has_time else []),
                "class",
                *(["object_type"] if self._has_object_type else []),
            ]
            found = [keys for keys in self._keys[name].values() if len(keys) < MAX_KEYS]
            self._headers[name] = fixed, list(dict.fromkeys(key for keys in found for key in keys))
        return self._headers[name]

    def _class_of(self, row: Row) -> str:
        return class_name(self.table, None if self._type is None else row[self._type])

    def _shown_type(self, name: str, row: Row) -> str:
        """`type` as PsyNet shows it: the class's name, but TrialSource for the first node of a chain."""
        first = name == "GenericTrialNode" or (self._degree is not None and row[self._degree] == "0")
        return "TrialSource" if self.table == "node" and first else name

    def _objects(self, row: Row) -> Iterator[tuple[str, dict[str, object]]]:
        """(column, its object's keys and values that become columns) for each unpacked column."""
        for source, index in self._unpacked:
            text = row[index]
            if not text or text[0] != "{" or text == "{}":
                continue
            value = jsontext.decode(text)
            # With a tag of jsonpickle's it is an object of a class, which PsyNet does not unpack either.
            if not isinstance(value, dict) or any(key.startswith("py/") for key in value):
                continue
            hidden = "_" if source == "vars" else "\0"
            yield source, {k: v for k, v in value.items() if k and k not in self._standing and not k.startswith(hidden)}

    def _told(self, column: Column) -> str | None:
        return column.type or _MIXIN.get(column.name)

    def _converter(self, index: int) -> Convert | None:
        column = self._columns[index]
        guess = self._untold.get(index, set())
        kind = self._told(column) or (next(iter(guess)) if len(guess) == 1 else None)
        if kind == "bool":
            return lambda cell: {"t": "True", "f": "False"}.get(cell, cell)
        if kind in ("timestamp", "timestamptz"):
            return partial(times.column_to_iso, offset=self._clock)
        if kind in ("varchar", "json", "jsonb", None):
            return _decoded_value if column.name in _JSON_COLUMNS else _decoded_string
        return None


def _looks_like(kind: str, cell: str) -> bool:
    return cell in ("t", "f") if kind == "bool" else _TIMESTAMP.fullmatch(cell) is not None


def _decoded_string(cell: str) -> str:
    """A JSON text's text; objects, lists and what is no JSON stay as they came."""
    if cell[:1] != '"' or len(cell) < 2:
        return cell
    value = jsontext.decode(cell)
    return value if isinstance(value, str) and _is_writable(value) else cell


def _decoded_value(cell: str) -> str | None:
    return {"true": "True", "false": "False", "null": None}.get(cell, _decoded_string(cell))


def _text(value: object) -> str | None:
    """A JSON value as a cell."""
    if value is None:
        return None
    if isinstance(value, str) and _is_writable(value):
        return value
    if isinstance(value, bool):
        return str(value)
    try:
        text = jsontext.encode(value)
    except RecursionError:
        return None  # nested beyond sense; the whole stands in its own column
    return text if _is_writable(text) else json.dumps(value)


def _is_writable(text: str) -> bool:
    """Half a surrogate pair is no UTF-8, and a NUL ends the line for most readers of CSV."""
    return _UNWRITABLE.search(text) is None
