"""Writes whole sheets with PostgreSQL's COPY: its bytes are sent unchanged, within the request's read transaction."""

import threading
from collections.abc import Iterator
from contextlib import suppress
from queue import Full, Queue

import psycopg2
from django.db import connections

from psynetdata.psynet import csvtext
from psynetdata.psynet.copy_streams import Sink, failing_as_itself
from psynetdata.sheets.sheet import Sheet

from . import sql_columns

_BLOCK = 1 << 16
_WAITING = 4  # blocks that wait for a slow client
_LONGEST_NAME = 63  # bytes; PostgreSQL cuts longer ones
# PostgreSQL's JSON text contains no control characters, so nothing is quoted or escaped a second time.
_AS_IT_IS = r"(FORMAT csv, DELIMITER E'\x02', QUOTE E'\x01')"


def csv(sheet: Sheet) -> Iterator[bytes] | None:
    """Return the sheet as CSV, or None if its rows must be converted in Python."""
    columns = (
        sql_columns.expressions(sheet.shape, sheet.shown_columns, sql_columns.csv_expression)
        if sheet.is_of_database
        else None
    )
    if columns is None:
        return None
    query = query_of(sheet, columns)
    return _with_header(sheet.header, _copied(sheet.shape.using, query, "(FORMAT csv)"))


def ndjson(sheet: Sheet) -> Iterator[bytes] | None:
    """Return the sheet as NDJSON, or None if its rows must be converted in Python."""
    if not sheet.is_of_database or any(len(name.encode()) > _LONGEST_NAME for name in sheet.header):
        return None
    columns = sql_columns.expressions(sheet.shape, sheet.shown_columns, sql_columns.json_expression)
    if columns is None:
        return None
    inner, parameters = query_of(sheet, columns)
    # Not Django's quote_name, which does not quote a name that begins and ends with quotes.
    names = ", ".join('"' + name.replace('"', '""') + '"' for name in sheet.header)
    query = f"SELECT row_to_json(found) FROM ({inner}) AS found({names.replace('%', '%%')})"
    return _copied(sheet.shape.using, (query, parameters), _AS_IT_IS)


def query_of(sheet: Sheet, columns: list) -> tuple[str, tuple]:
    """Return the query of a sheet's rows with these expressions as its columns, and its parameters."""
    named = {f"written_{number}": expression for number, expression in enumerate(columns)}
    return sheet.ordered_rows.annotate(**named).values_list(*named).query.sql_with_params()


def _with_header(header: list[str], blocks: Iterator[bytes]) -> Iterator[bytes]:
    try:
        yield csvtext.format_row(header) + b"\n"
        yield from blocks
    finally:
        blocks.close()


def _copied(using: str, query: tuple[str, tuple], options: str) -> Iterator[bytes]:
    """Yield blocks of COPY's output. It runs in its own thread, because psycopg2 pushes and a response pulls."""
    raw = connections[using].connection
    queue: Queue[bytes | BaseException | None] = Queue(_WAITING)
    unwanted = threading.Event()

    def put(item) -> None:
        while not unwanted.is_set():
            try:
                return queue.put(item, timeout=1)
            except Full:
                continue

    def run() -> None:
        gathered = bytearray()

        def take(row: bytes) -> None:
            gathered.extend(row)
            if len(gathered) >= _BLOCK:
                put(bytes(gathered))
                gathered.clear()

        try:
            with raw.cursor() as cursor:
                text = cursor.mogrify(*query).decode()
                sink = Sink(take)
                with failing_as_itself(sink):
                    cursor.copy_expert(f"COPY ({text}) TO STDOUT {options}", sink)
            put(bytes(gathered))
            put(None)
        except BaseException as error:
            put(error)

    thread = threading.Thread(target=run, name="copy", daemon=True)
    thread.start()
    try:
        while (block := queue.get()) is not None:
            if isinstance(block, BaseException):
                raise block
            yield block
    finally:
        if thread.is_alive():
            unwanted.set()
            _cancel(raw)
        thread.join()


def _cancel(raw) -> None:
    """Cancel the rest of the query. This aborts the transaction; the code that began it also ends it."""
    with suppress(psycopg2.Error):
        raw.cancel()
