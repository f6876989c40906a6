"""The logs of an app on a server, as PsyNet's servers write them, read over ssh."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from exports.sources.base import Access, NoLogs
from exports.sources.postgres import Unreachable
from psynetdata.psynet.csvtext import BLOCK

from . import errors
from .address import SshServer
from .client import SshConnection, connected


@dataclass(frozen=True)
class RemoteLogs:
    """`size` in bytes when the file was opened; it may grow later."""

    line: SshConnection
    path: str
    size: int

    def head(self, count: int) -> bytes:
        return _output(self.line, f"head -c {count} {self.path}")

    def blocks(self, start: int) -> Iterator[bytes]:
        """Yield the bytes from `start` to `size`. Raises Unreachable if fewer arrive."""
        left = self.size - start
        with self.line.streamed(f"tail -c +{start + 1} {self.path} | head -c {left}") as stream:
            while left and (block := stream.read(min(BLOCK, left))):
                left -= len(block)
                yield block
        if left:
            raise Unreachable(f"{self.line.server.label}: the logs ended too early; they are read again later.")


@contextmanager
def opened(server: SshServer, access: Access) -> Iterator[RemoteLogs]:
    # The name of an app holds nothing that means anything to a shell (address.py).
    path = f"~/dallinger/{server.app}/logs.jsonl"
    with connected(server, access) as line:
        size = _output(line, f"wc -c < {path}").strip()
        if not size.isdigit():
            raise NoLogs(f"{server.place}: its answer about {path} is not understood.")
        yield RemoteLogs(line, path, int(size))


def _output(line: SshConnection, command: str) -> bytes:
    try:
        return line.output(command)
    except errors.Failed as failed:
        raise _translated(line.server, failed) from None


def _translated(server: SshServer, failed: errors.Failed) -> Exception:
    path, folded = f"~/dallinger/{server.app}/logs.jsonl", failed.stderr.lower()
    if failed.status == 255:
        return Unreachable(f"{server.label}: the SSH connection was cut in the middle.")
    if "permission denied" in folded:
        return NoLogs(f"{server.place}: the user {server.user} has no right to read {path}.")
    return NoLogs(f"{server.place}: there are no logs at {path}.")
