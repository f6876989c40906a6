"""A web server with moods: it breaks connections, stalls, sends too little, is busy, lies, leads elsewhere."""

import base64
import ssl
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

PAGE = b"<!DOCTYPE html><html><title>404</title>There is no such file.</html>"


class WebServer(ThreadingHTTPServer):
    """`files`: {path: bytes}. `moods`: {path: what to do with the next requests for it, then serve the file}.

    Moods: break (half of it, then the line is cut), short (half of it without a length), stall, busy (429), ill (503),
    denied, page (a 404 page with status 200), odd (a header line that is not one), and `to ADDRESS`, a redirect, which
    stays. `asked`: (path, Range) of each request; `names`: what clients called the server (SNI), if it has a
    certificate; `sent`: bytes of bodies. `login`: the user:password that it asks for (HTTP Basic); None: anybody may.
    """

    daemon_threads = True

    def __init__(self, certificate: Path | None = None):
        super().__init__(("127.0.0.1", 0), _Handler)
        if certificate is not None:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate)
            context.sni_callback = lambda line, name, _: self.names.append(name)
            self.socket = context.wrap_socket(self.socket, server_side=True, do_handshake_on_connect=False)
        self.names: list[str | None] = []
        self.url = f"http://127.0.0.1:{self.server_port}"
        self.files: dict[str, bytes] = {}
        self.moods: dict[str, list[str]] = {}
        self.asked: list[tuple[str, str]] = []
        self.headers: list[dict[str, str]] = []
        self.sent = 0
        self.login: str | None = None
        self.released = threading.Event()
        threading.Thread(target=self.serve_forever, args=(0.01,), daemon=True).start()  # seconds until it sees its end

    def close(self) -> None:
        self.released.set()
        self.shutdown()
        self.server_close()

    def handle_error(self, request, client_address):
        """A client that goes away before the end is what some tests are about."""


def _basic(login: str) -> str:
    return f"Basic {base64.b64encode(login.encode()).decode()}"


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        server, wanted = self.server, self.headers.get("Range", "")
        server.asked.append((self.path, wanted))
        server.headers.append(dict(self.headers))
        moods = server.moods.get(self.path, [])
        mood = moods[0] if moods and moods[0].startswith("to ") else (moods.pop(0) if moods else "")
        if mood.startswith("to "):
            self._answer(302, b"", Location=mood.removeprefix("to "))
        elif server.login is not None and self.headers.get("Authorization") != _basic(server.login):
            self._answer(401, b"", **{"WWW-Authenticate": 'Basic realm="Login Required"'})
        elif mood in ("busy", "ill", "denied"):
            self._answer({"busy": 429, "ill": 503, "denied": 403}[mood], b"not now", **{"Retry-After": "7"})
        elif mood == "page":
            self._answer(200, PAGE, **{"Content-Type": "text/html; charset=utf-8"})
        elif mood == "odd":
            self._send(b"HTTP/1.1 200 OK\r\nno header\r\n\r\nx")
            self.close_connection = True
        elif self.path not in server.files:
            self._answer(404, PAGE, **{"Content-Type": "text/html"})
        else:
            self._file(server.files[self.path], wanted, mood)

    def _file(self, body: bytes, wanted: str, mood: str) -> None:
        etag = f'"{hash(body) & 0xFFFFFFFF:x}"'
        if self.headers.get("If-None-Match") == etag:
            self._answer(304, b"", ETag=etag)
            return
        start = 0
        if wanted and self.headers.get("If-Range") == etag:
            start = int(wanted.removeprefix("bytes=").rstrip("-"))
        self.send_response(206 if start else 200)
        self.send_header("ETag", etag)
        if start:
            self.send_header("Content-Range", f"bytes {start}-{len(body) - 1}/{len(body)}")
        if mood == "short":
            self.send_header("Connection", "close")
        else:
            self.send_header("Content-Length", str(len(body) - start))
        self.end_headers()
        rest = body[start:]
        self._send(rest[: len(rest) // 2] if mood in ("break", "short", "stall") else rest)
        if mood == "stall":
            self.server.released.wait(30)
        self.close_connection = self.close_connection or bool(mood)

    def _answer(self, status: int, body: bytes, **headers: str) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if status != 304:
            self._send(body)

    def _send(self, body: bytes) -> None:
        self.wfile.write(body)
        self.wfile.flush()
        self.server.sent += len(body)

    def log_message(self, *words):
        """Nothing: its log would stand in the tests' output."""
