"""File objects for psycopg2's copy_expert: blocks in, rows out, with one block in memory."""

import io
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import psycopg2


class Feed(io.RawIOBase):
    """The file that psycopg2 reads from during COPY … FROM; holds one block."""

    def __init__(self, blocks: Iterator[bytes]):
        self._blocks = blocks
        self._left = b""
        self.failure: BaseException | None = None

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        if not self._left:
            try:
                self._left = next(self._blocks, b"")
            except BaseException as error:
                self.failure = error
                raise
        taken, self._left = (self._left, b"") if size < 0 else (self._left[:size], self._left[size:])
        return taken


class Sink(io.RawIOBase):
    """The file that psycopg2 writes to during COPY … TO: `take` is called with each row, including its line end."""

    def __init__(self, take: Callable[[bytes], None]):
        self._take = take
        self.failure: BaseException | None = None

    def writable(self) -> bool:
        return True

    def write(self, row: bytes) -> int:  # type: ignore[override]  # psycopg2 writes nothing but bytes
        try:
            self._take(row)
        except BaseException as error:
            self.failure = error
            raise
        return len(row)


@contextmanager
def failing_as_itself(file: Feed | Sink) -> Iterator[None]:
    """Raise the original exception of a read or write, which psycopg2 would turn into a database error."""
    try:
        yield
    except psycopg2.Error:
        if file.failure:
            raise file.failure from None
        raise
