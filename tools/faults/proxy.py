"""A TCP proxy whose line can be cut and stalled."""

import socket
import threading
import time
from contextlib import suppress

_BLOCK = 1 << 16
_LOOK_EVERY = 0.05  # seconds


class Proxy:
    """Listens on `port` of the loopback address and passes everything on to another port there.

    `refusing`: new connections are closed at once. `stalled`: bytes are held back in both directions.
    """

    def __init__(self, target: int):
        self.target = target
        self.refusing = self.stalled = False
        self._open: set[socket.socket] = set()
        self._lock = threading.Lock()
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=128)
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def is_used(self) -> bool:
        return bool(self._open)

    def cut(self) -> int:
        """Break every connection; return how many there were."""
        with self._lock:
            pairs, self._open = self._open, set()
        for line in pairs:
            with suppress(OSError):
                line.shutdown(socket.SHUT_RDWR)
        return len(pairs) // 2

    def close(self) -> None:
        self._listener.close()
        self.stalled = False
        self.cut()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            if self.refusing:
                client.close()
                continue
            try:
                server = socket.create_connection(("127.0.0.1", self.target), timeout=5)
            except OSError:
                client.close()
                continue
            server.settimeout(None)
            with self._lock:
                self._open |= {client, server}
            for pair in ((client, server), (server, client)):
                threading.Thread(target=self._pass_on, args=pair, daemon=True).start()

    def _pass_on(self, source: socket.socket, target: socket.socket) -> None:
        with suppress(OSError):
            while block := source.recv(_BLOCK):
                while self.stalled:
                    time.sleep(_LOOK_EVERY)
                target.sendall(block)
        for line in (source, target):
            with suppress(OSError):
                line.shutdown(socket.SHUT_RDWR)
        with self._lock:
            self._open -= {source, target}
        source.close()
