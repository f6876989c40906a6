"""A line to a server that breaks: it forwards, and cuts answers after so many bytes."""

import contextlib
import socket
import threading


class Line:
    """`url`: where it listens. `cuts`: after how many bytes of its answer each next connection is cut."""

    def __init__(self, host: str, port: int):
        self._to = (host, port)
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listening.getsockname()[1]}"
        self.cuts: list[int] = []
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        self._listening.close()

    def _accept(self) -> None:
        while True:
            try:
                near, _ = self._listening.accept()
            except OSError:
                return
            cut = self.cuts.pop(0) if self.cuts else None
            far = socket.create_connection(self._to)
            threading.Thread(target=_forward, args=(near, far, None), daemon=True).start()
            threading.Thread(target=_forward, args=(far, near, cut), daemon=True).start()


def _forward(one: socket.socket, other: socket.socket, left: int | None) -> None:
    with contextlib.suppress(OSError):
        while left != 0 and (data := one.recv(1 << 16 if left is None else min(left, 1 << 16))):
            other.sendall(data)
            left = None if left is None else left - len(data)
    for end in (one, other):
        with contextlib.suppress(OSError):
            end.shutdown(socket.SHUT_RDWR)
        end.close()
