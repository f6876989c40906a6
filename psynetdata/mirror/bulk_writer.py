"""Inserts and deletes a face's rows as fast as the database allows: COPY on PostgreSQL, executemany on SQLite."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from itertools import islice
from typing import Any

from django.db import connections, models

from psynetdata.models import MirrorModel, Record
from psynetdata.psynet import csvtext
from psynetdata.psynet.copy_streams import Feed, failing_as_itself

_CHUNK = 500
_CHUNK_CHARACTERS = 1 << 20


def insert(face: str, model: type[MirrorModel], fields: list[models.Field], rows: Iterable[list[Any]]) -> int:
    """Insert rows of Python values in the order of `fields`, and return their number."""
    connection = connections[face]
    quote = connection.ops.quote_name
    table, names = quote(model._meta.db_table), ", ".join(quote(field.column) for field in fields)
    if connection.vendor == "postgresql":
        feed = Feed(csvtext.blocks(csvtext.format_row([_copy_text(value) for value in row]) for row in rows))
        with connection.cursor() as cursor, failing_as_itself(feed):
            cursor.copy_expert(f"COPY {table} ({names}) FROM STDIN WITH (FORMAT csv)", feed)
            return cursor.rowcount
    count = 0
    holes = ", ".join(["%s"] * len(fields))
    adapt = connection.ops.adapt_datetimefield_value
    for chunk in in_chunks(rows, _text_of):  # Django's executemany keeps all its rows in memory
        prepared = [[adapt(value) if isinstance(value, datetime) else value for value in row] for row in chunk]
        with connection.cursor() as cursor:
            cursor.executemany(f"INSERT INTO {table} ({names}) VALUES ({holes})", prepared)
        count += len(chunk)
    return count


def delete(
    face: str, model: type[MirrorModel], table: str, deployment_number: int, identities: Iterable[str]
) -> Counter[str]:
    """Delete rows by their `identities` (integer ids as text, or Record.identity). Returns {class: deleted rows}."""
    identities, gone = iter(identities), Counter()
    while chunk := list(islice(identities, _CHUNK)):
        if model is Record:
            doomed = model.objects.using(face).filter(
                deployment_number=deployment_number, table=table, identity__in=chunk
            )
        else:
            keys = [model.make_key(deployment_number, int(identity)) for identity in chunk]
            doomed = model.objects.using(face).filter(key__in=keys)
        gone.update(doomed.order_by().values_list("class_name", flat=True))
        doomed._raw_delete(face)
    return gone


def rows_of(face: str, model: type[MirrorModel], table: str, deployment_number: int) -> models.QuerySet:
    rows = model.objects.using(face).filter(deployment_number=deployment_number)
    return rows.filter(table=table) if model is Record else rows


def in_chunks(items: Iterable[Any], size_of: Callable[[Any], int]) -> Iterator[list[Any]]:
    """Yield lists of items, limited in number and in size."""
    chunk: list[Any] = []
    size = 0
    for item in items:
        chunk.append(item)
        size += size_of(item)
        if len(chunk) >= _CHUNK or size >= _CHUNK_CHARACTERS:
            yield chunk
            chunk, size = [], 0
    if chunk:
        yield chunk


def _text_of(row: list[Any]) -> int:
    return sum(len(value) for value in row if isinstance(value, str))


def _copy_text(value: Any) -> str | None:
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "t" if value else "f"
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat()
    return repr(value)
