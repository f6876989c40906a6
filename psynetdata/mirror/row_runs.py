"""Ordered runs of records: identifies their rows, and compares two runs."""

import hashlib
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from psynetdata.psynet import csvtext
from psynetdata.psynet.tables import Column

Records = Iterable[bytes]
Run = Callable[[], Records]
# The sort key of a row in its table, its identity in the mirror, and the row as text.
Numbered = tuple[Any, str, bytes]


def by_id(columns: list[Column]) -> Callable[[Records], Iterator[Numbered]]:
    position = next(index for index, column in enumerate(columns) if column.name == "id")

    def numbered(records: Records) -> Iterator[Numbered]:
        for record in records:
            identity = record.split(b",", 1)[0].decode() if position == 0 else csvtext.parse(record)[position]
            yield int(identity), identity, record

    return numbered


def by_text(records: Records) -> Iterator[Numbered]:
    """Identify rows by their text: `<hash>:<n>` is the n-th row with this text. Equal rows are adjacent in a run."""
    last, count = None, 0
    for record in records:
        count = count + 1 if record == last else 1
        last = record
        yield (record, count), f"{hashlib.sha256(record).hexdigest()}:{count}", record


def merge(before: Iterator[Numbered], after: Iterator[Numbered]) -> Iterator[tuple[str, str, bytes]]:
    """Yield ("old" | "new" | "same", identity, record) for each row of two ordered runs.

    A changed row is yielded twice, as old and as new.
    """
    old, new = next(before := iter(before), None), next(after := iter(after), None)
    while old is not None or new is not None:
        if new is None or (old is not None and old[0] < new[0]):
            yield "old", old[1], old[2]
            old = next(before, None)
        elif old is None or new[0] < old[0]:
            yield "new", new[1], new[2]
            new = next(after, None)
        else:
            if old[2] != new[2]:
                yield "old", old[1], old[2]
                yield "new", new[1], new[2]
            else:
                yield "same", new[1], new[2]
            old, new = next(before, None), next(after, None)
