"""Real servers on loopback: one that speaks Slack's chat.postMessage, one that takes mail."""

import json
import logging
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from email import message_from_bytes, policy
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult

# It speaks on after a test is over, whose stderr is closed by then.
logging.getLogger("mail").propagate = False

TOKEN = "xoxb-0123456789-topsecret"
USER, PASSWORD = "desk", "p@ss:word/topsecret"


class SlackServer(ThreadingHTTPServer):
    """`answers`: what to do with the next requests: ratelimited, 500, page, hang, or a code of Slack's; then ok.

    `got`: the messages that were accepted; `asked`: how many requests for one came; `members`: of users.list, which
    refuses where there is none.
    """

    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), _Handler)
        self.url = f"http://127.0.0.1:{self.server_port}/api"
        self.answers: list[str] = []
        self.retry_after = "0"
        self.got: list[dict] = []
        self.members: list[dict] = []
        self.asked = 0
        self.released = threading.Event()


class _Handler(BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        server = self.server
        if self.path == "/api/users.list":
            answer = {"ok": bool(server.members), "members": server.members, "error": "missing_scope"}
            return self._send_json(200, answer)
        server.asked += 1
        answer = server.answers.pop(0) if server.answers else "ok"
        if self.headers["Authorization"] != f"Bearer {TOKEN}":
            answer = "invalid_auth"
        if self.path != "/api/chat.postMessage":
            answer = "unknown_method"
        if answer == "hang":
            server.released.wait(30)
            self.close_connection = True
        elif answer == "500":
            self._send(500, "<html>trouble</html>", "text/html")
        elif answer == "page":
            self._send(200, "<html>Please sign in to the guest network</html>", "text/html")
        elif answer == "ratelimited":
            self._send_json(429, {"ok": False, "error": "ratelimited"}, {"Retry-After": server.retry_after})
        elif answer == "ok":
            server.got.append(_read(self.headers["Content-Type"], body))
            self._send_json(200, {"ok": True, "ts": f"1.{len(server.got)}"})
        else:
            self._send_json(200, {"ok": False, "error": answer})

    def _send_json(self, status: int, content: dict, headers: dict | None = None):
        self._send(status, json.dumps(content), "application/json", headers)

    def _send(self, status: int, text: str, kind: str, headers: dict | None = None):
        self.send_response(status)
        for name, value in ({"Content-Type": kind, "Content-Length": str(len(text))} | (headers or {})).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, *args):
        """Nothing on the screen of who runs the tests."""


def _read(kind: str, body: bytes) -> dict:
    if kind.startswith("application/json"):
        return json.loads(body)
    return {name: values[-1] for name, values in parse_qs(body.decode()).items()}


@contextmanager
def slack() -> Iterator[SlackServer]:
    server = SlackServer()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield server
    finally:
        server.released.set()
        server.shutdown()
        thread.join()
        server.server_close()


class _Controller(Controller):
    def _trigger_server(self):
        # The port that it got, where any would do.
        self.port = self.server.sockets[0].getsockname()[1]
        super()._trigger_server()


class MailServer:
    """`got`: (sender, recipients, message) of each mail; `answer`: to what was sent, "250 OK" or a refusal; `refused`:
    recipients that it does not know."""

    def __init__(self, *, sign_in: bool = False, tls: ssl.SSLContext | None = None, starttls=None):
        self.got: list[tuple] = []
        self.refused: set[str] = set()
        self.answers = {"MAIL": "250 OK", "RCPT": "250 OK", "DATA": "250 OK"}
        options = {"auth_required": True, "auth_require_tls": False, "authenticator": _sign_in} if sign_in else {}
        if starttls:
            options |= {"tls_context": starttls, "require_starttls": True, "auth_require_tls": True}
        self._controller = _Controller(self, hostname="127.0.0.1", port=0, ssl_context=tls, **options)
        self.host = "127.0.0.1"

    def start(self):
        self._controller.start()

    @property
    def port(self) -> int:
        return self._controller.port

    def stop(self):
        if self._controller.server is not None:
            self._controller.stop()

    async def handle_MAIL(self, server, session, envelope, address, options):
        envelope.mail_from = address
        return self.answers["MAIL"]

    async def handle_RCPT(self, server, session, envelope, address, options):
        if address in self.refused:
            return "550 no such mailbox"
        if self.answers["RCPT"].startswith("250"):
            envelope.rcpt_tos.append(address)
        return self.answers["RCPT"]

    async def handle_DATA(self, server, session, envelope):
        if self.answers["DATA"].startswith("250"):
            message = message_from_bytes(envelope.content, policy=policy.default)
            self.got.append((envelope.mail_from, envelope.rcpt_tos, message))
        return self.answers["DATA"]


def _sign_in(server, session, envelope, mechanism, data) -> AuthResult:
    return AuthResult(success=(data.login, data.password) == (USER.encode(), PASSWORD.encode()), handled=False)
