"""The rows of a table that was handed in, each checked before anything is stored."""

import csv
import re
from collections import Counter, deque
from collections.abc import Callable, Iterator

import orjson

from exports.sources.upload import Upload
from psynetdata.psynet import csvtext, jsontext
from psynetdata.psynet.csvtext import Row
from psynetdata.psynet.problems import BadInput
from psynetdata.psynet.tables import TYPED_TABLES, describe, has_integer_id, known_tables

# The mirror's key has 40 bits for an id.
_TYPED_ID_LIMIT = 1 << 40
_ID = re.compile(r"0|-?[1-9][0-9]{0,18}")
_ID_LIMIT = 1 << 63

# Where psynet.field keeps PythonObject, PythonDict and PythonList, beside what PostgreSQL itself knows as JSON.
_JSON_COLUMNS = {
    "answer",
    "answer_accumulators",
    "arguments",
    "block_order",
    "branch_log",
    "definition",
    "details",
    "elt_id",
    "elt_id_max",
    "entry_information",
    "extra_info",
    "failure_tags",
    "for_loops",
    "function",
    "metadata_",
    "node_definition",
    "params",
    "participated_networks",
    "performance_check",
    "progress_fixes",
    "seed",
    "sequences",
    "storage",
    "time_credit_fixes",
    "trials_to_repeat",
    "vars",
}
# Every table made with psynet.data.SQLMixin has these two.
_JSON_EVERYWHERE = {"details", "vars"}
# A text larger than this is not parsed for a warning: its objects would take many times its size.
_PARSED_AT_MOST = 1 << 20

_FIELD = rb'(?:"(?:[^"]++|"")*+"|[^",]*+)'
_WELL_FORMED = re.compile(_FIELD + rb"(?:," + _FIELD + rb")*+")


class _Echo:
    def write(self, text: str) -> str:
        return text


# writerow() returns what write() returns: the row as text.
_write = csv.writer(_Echo(), lineterminator="\r\n").writerow


class NoIntegerId(Exception):
    """A custom table's `id` holds something else than whole numbers."""


class CheckedTable:
    """A table of an upload. `rows` may be called again; the counts are those of the last time.

    `has_ids`: whether rows are told apart by an integer `id`. `count`: rows read.
    `not_json`: {column: cells that should be JSON and do not parse}.
    Raises BadInput with a sentence that names the table and the row, never what a cell holds.
    """

    def __init__(self, upload: Upload, table: str, look: Callable[[int], None]):
        self.table = table
        self.called = f"{upload.called(table)} in {upload.label}"
        self.count = 0
        self.not_json: Counter[str] = Counter()
        self._open = lambda: upload.open(table)
        self._look = look
        self.columns = describe(table, self._header())
        names = [column.name for column in self.columns]
        self._id = names.index("id") if "id" in names else None
        self._must_have_ids = table in TYPED_TABLES or has_integer_id(table)
        if self._must_have_ids and self._id is None:
            raise BadInput(f"{self.called} has no column id; hand in the table as PostgreSQL wrote it.")
        self.has_ids = self._must_have_ids or (self._id is not None and table not in known_tables())
        expected = _JSON_COLUMNS if table in known_tables() else _JSON_EVERYWHERE
        self._json = [(index, name) for index, name in enumerate(names) if name in expected]

    def take_as_without_ids(self) -> None:
        self.has_ids = False

    def rows(self) -> Iterator[tuple[int | None, bytes]]:
        """(id, record) of each row as it stands in the file; the record byte for byte where COPY made it.

        Raises NoIntegerId for a custom table that has none after all.
        """
        self.count = 0
        self.not_json.clear()
        width = len(self.columns)
        for record, cells in self._parsed(skip=1):
            self.count += 1
            if len(cells) != width:
                raise self._bad(f"has {_cells(len(cells))} where the header names {width}")
            self._look_at_json(cells)
            yield (self._id_of(cells) if self.has_ids else None), self._as_copy_writes(record, cells)

    def called_twice(self, identity: int) -> BadInput:
        """The sentence for an id that two rows have; NoIntegerId where it need not be a key."""
        if not self._must_have_ids:
            raise NoIntegerId
        return BadInput(f"{self.called} has the id {identity} twice; a table of PsyNet's has each once.")

    def _header(self) -> list[str]:
        cells = next((cells for _, cells in self._parsed(skip=0)), None)
        if cells is None:
            raise BadInput(f"{self.called} is empty; even a table without rows has its header.")
        if None in cells or "" in cells:
            raise BadInput(f"{self.called} has a column without a name in its header.")
        if len(set(cells)) < len(cells):
            raise BadInput(f"{self.called} names a column twice in its header.")
        return cells

    def _parsed(self, *, skip: int) -> Iterator[tuple[bytes, Row]]:
        """(record, cells) of each record after the first `skip`."""
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
            if held:  # the parser wants more for a row whose quotes already came to an even number
                raise self._next_bad("has a quote in the middle of a value")
            held.append(record)
            done += len(record) + 1
            if done - looked >= csvtext.BLOCK:
                looked = done
                self._look(done)
            yield record

    def _as_copy_writes(self, record: bytes, cells: Row) -> bytes:
        # Most rows end here, at C speed. `""` comes out of _write as nothing, so such rows take the way below.
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
            raise self._bad("has an id that is no whole number")
        if self.table in TYPED_TABLES and not 0 < value < _TYPED_ID_LIMIT:
            raise self._bad("has an id outside 1 to 2^40 - 1, which no database of PsyNet's gives out")
        return value

    def _look_at_json(self, cells: Row) -> None:
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
        return jsontext.decode(text) is not jsontext.MISSING  # NaN is no JSON proper, but PsyNet's
    return True


def _cells(count: int) -> str:
    return "1 cell" if count == 1 else f"{count} cells"
