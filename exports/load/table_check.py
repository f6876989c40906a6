"""Check each row of a table that is loaded from a file, before anything is stored."""

import csv
import re
from collections import Counter, deque
from collections.abc import Callable, Iterator

import orjson

from exports.sources.upload import Upload
from psynetdata.psynet import csvtext, jsontext
from psynetdata.psynet.column_roles import Role, columns_with_role
from psynetdata.psynet.csvtext import Row
from psynetdata.psynet.problems import BadInput
from psynetdata.psynet.tables import TYPED_TABLES, describe, has_integer_id, json_columns, known_tables

# The mirror's key has 40 bits for an id.
_TYPED_ID_LIMIT = 1 << 40
_ID = re.compile(r"0|-?[1-9][0-9]{0,18}")
_ID_LIMIT = 1 << 63

_JSON_OF_MIXIN = json_columns("response").intersection(columns_with_role(Role.MIXIN))
# A text larger than this is not parsed only for a warning: its objects would take many times its size.
_PARSED_AT_MOST = 1 << 20

_FIELD = rb'(?:"(?:[^"]++|"")*+"|[^",]*+)'
_WELL_FORMED = re.compile(_FIELD + rb"(?:," + _FIELD + rb")*+")


class _Echo:
    def write(self, text: str) -> str:
        return text


# writerow() returns what write() returns: the row as text.
_write = csv.writer(_Echo(), lineterminator="\r\n").writerow


class NoIntegerId(Exception):
    """A custom table's `id` holds values that are not whole numbers."""


class CheckedTable:
    """A table of an upload. `rows` may be called again; the counts are then those of the last call.

    `has_ids`: whether an integer `id` identifies the rows. `count`: rows read.
    `not_json`: {column: number of cells that should be JSON and are not}.
    Raises BadInput with a sentence that names the table and the row, but never a cell's value.
    """

    def __init__(self, upload: Upload, table: str, on_progress: Callable[[int], None]):
        self.table = table
        self.called = f"{upload.called(table)} in {upload.label}"
        self.count = 0
        self.not_json: Counter[str] = Counter()
        self._open = lambda: upload.open(table)
        self._on_progress = on_progress
        self.columns = describe(table, self._header())
        names = [column.name for column in self.columns]
        self._id = names.index("id") if "id" in names else None
        self._must_have_ids = table in TYPED_TABLES or has_integer_id(table)
        if self._must_have_ids and self._id is None:
            raise BadInput(f"{self.called} has no column id; load the table as PostgreSQL wrote it.")
        self.has_ids = self._must_have_ids or (self._id is not None and table not in known_tables())
        # An experimenter's own table has its JSON columns from psynet.data.SQLMixin.
        expected = json_columns(table) if table in known_tables() else _JSON_OF_MIXIN
        self._json = [(index, name) for index, name in enumerate(names) if name in expected]

    def take_as_without_ids(self) -> None:
        self.has_ids = False

    def rows(self) -> Iterator[tuple[int | None, bytes]]:
        """Yield (id, record) of each row in the file's order; a record that COPY wrote is kept byte for byte.

        Raises NoIntegerId for a custom table whose ids turn out not to be integers.
        """
        self.count = 0
        self.not_json.clear()
        width = len(self.columns)
        for record, cells in self._parsed(skip=1):
            self.count += 1
            if len(cells) != width:
                raise self._bad(f"has {_cells(len(cells))}, but the header names {width}")
            self._check_json(cells)
            yield (self._id_of(cells) if self.has_ids else None), self._as_copy_writes(record, cells)

    def called_twice(self, identity: int) -> BadInput:
        """Return the error for an id of two rows. Raises NoIntegerId if the column need not be a key."""
        if not self._must_have_ids:
            raise NoIntegerId
        return BadInput(f"{self.called} has the id {identity} twice; each id appears once in PsyNet's tables.")

    def _header(self) -> list[str]:
        cells = next((cells for _, cells in self._parsed(skip=0)), None)
        if cells is None:
            raise BadInput(f"{self.called} is empty; even a table without rows needs its header.")
        if None in cells or "" in cells:
            raise BadInput(f"{self.called} has a column without a name in its header.")
        if len(set(cells)) < len(cells):
            raise BadInput(f"{self.called} names a column twice in its header.")
        return cells

    def _parsed(self, *, skip: int) -> Iterator[tuple[bytes, Row]]:
        """Yield (record, cells) of each record after the first `skip`."""
        held: deque[bytes] = deque()
        with self._open() as stream:
            parsed = csvtext.rows(self._fed(csvtext.records(stream, name=self.called), held))
            try:
                for number, cells in enumerate(parsed):
                    record = held.popleft()
                    if number >= skip:
                        yield record, cells
            except UnicodeDecodeError:
                raise self._next_bad("is not UTF-8") from None
            except csv.Error:
                raise self._next_bad("is not CSV as PostgreSQL writes it") from None

    def _fed(self, records: Iterator[bytes], held: deque[bytes]) -> Iterator[bytes]:
        done = looked = 0
        for record in records:
            if held:  # the parser wants more input, although the row's quotes are already balanced
                raise self._next_bad("has a quote in the middle of a value")
            held.append(record)
            done += len(record) + 1
            if done - looked >= csvtext.BLOCK:
                looked = done
                self._on_progress(done)
            yield record

    def _as_copy_writes(self, record: bytes, cells: Row) -> bytes:
        # Most rows end here, at C speed. _write turns `""` into nothing, so such rows are handled below.
        quick = len(cells) > 1 and len(record) < csvtext.BLOCK
        if quick and (not (b'"' in record or b"\r" in record) or _write(cells).encode() == record + b"\r\n"):
            return record
        plain = csvtext.format_row(cells)
        if plain != record and not _WELL_FORMED.fullmatch(record):
            raise self._bad("has a quote in the middle of a value")
        return plain

    def _id_of(self, cells: Row) -> int:
        text = cells[self._id]
        value = int(text) if text is not None and _ID.fullmatch(text) else None
        if value is None or not -_ID_LIMIT <= value < _ID_LIMIT:
            if not self._must_have_ids:
                raise NoIntegerId
            raise self._bad("has an id that is not a whole number")
        if self.table in TYPED_TABLES and not 0 < value < _TYPED_ID_LIMIT:
            raise self._bad("has an id outside 1 to 2^40 - 1, which PsyNet's databases never assign")
        return value

    def _check_json(self, cells: Row) -> None:
        for index, name in self._json:
            text = cells[index]
            if text is not None and len(text) <= _PARSED_AT_MOST and not _is_json(text):
                self.not_json[name] += 1

    def _bad(self, what: str) -> BadInput:
        return BadInput(f"{self.called}: row {self.count} {what}.")

    def _next_bad(self, what: str) -> BadInput:
        return BadInput(f"{self.called}: row {self.count + 1} {what}.")


def _is_json(text: str) -> bool:
    try:
        orjson.loads(text)
    except orjson.JSONDecodeError:
        return jsontext.decode(text) is not jsontext.MISSING  # NaN is not valid JSON, but PsyNet writes it
    return True


def _cells(count: int) -> str:
    return "1 cell" if count == 1 else f"{count} cells"
