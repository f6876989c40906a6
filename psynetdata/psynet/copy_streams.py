"""What psycopg2's copy_expert reads from and writes to: blocks in, blocks out, one of them in memory."""

import io
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import psycopg2


class Feed(io.RawIOBase):
    """What psycopg2 reads from while it copies in; holds one block."""

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
    """What psycopg2 writes to while it copies out: `take` gets each row, with its line end."""

    def __init__(self, take: Callable[[bytes], None]):
        self._take = take
        self.failure: BaseException | None = None

    def writable(self) -> bool:
        return True

    def write(self, row: bytes) -> int:
        try:
            self._take(row)
        except BaseException as error:
            self.failure = error
            raise
        return len(row)


@contextmanager
def failing_as_itself(file: Feed | Sink) -> Iterator[None]:
    """What reading or writing raised comes out as it was; psycopg2 makes a database error of it."""
    try:
        yield
    except psycopg2.Error:
        if file.failure:
            raise file.failure from None
        raise
