"""Reads a file over SFTP with several requests in flight."""

from collections import deque
from collections.abc import Iterator
from contextlib import suppress

import paramiko
from paramiko.sftp import CMD_DATA, CMD_READ, int64

# OpenSSH's server returns this much at once (limits@openssh.com); if a server returns less, the rest is requested.
_AT_ONCE = 255 * 1024
_AHEAD = 8  # requests that may be in flight: 2 MB of memory


class Reads:
    """Reads one file, with several requests in flight while the first block is used.

    paramiko's own prefetch has no limit: it can mistake a request for the last one and then collects unread data.
    """

    def __init__(self, file: paramiko.SFTPFile):
        self._sftp, self._handle = file.sftp, file.handle
        self._asked: deque[tuple[int, int, int]] = deque()
        self._came: dict[int, bytes] = {}

    def blocks(self, start: int, stop: int) -> Iterator[bytes]:
        """Yield bytes `start` to `stop`; fewer if the file ends earlier."""
        while self._asked or start < stop:
            while len(self._asked) < _AHEAD and start < stop:
                length = min(_AT_ONCE, stop - start)
                self._asked.append(self._ask(start, length))
                start += length
            number, offset, length = self._asked.popleft()
            while number not in self._came:
                self._sftp._read_response()
            block = self._came.pop(number)
            if not block:
                return
            if len(block) < length:
                self._asked.appendleft(self._ask(offset + len(block), length - len(block)))
            yield block

    def _ask(self, offset: int, length: int) -> tuple[int, int, int]:
        return self._sftp._async_request(self, CMD_READ, self._handle, int64(offset), length), offset, length

    def _async_response(self, kind: int, message: paramiko.Message, number: int) -> None:
        """Called by paramiko with a response."""
        self._came[number] = message.get_string() if kind == CMD_DATA else self._end(message)

    def _end(self, message: paramiko.Message) -> bytes:
        with suppress(EOFError):
            self._sftp._convert_status(message)
        return b""
