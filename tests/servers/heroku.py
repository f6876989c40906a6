"""A small server that speaks the calls of Heroku's platform API that we use, as its reference describes them.

Heroku itself is not reached by any test.
"""

import json
import re
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class HerokuAPI(ThreadingHTTPServer):
    """`apps`: {name: its config vars}. `tokens`: {token: names of the apps that it may read}.

    `moods`: what the next requests are answered with, a status and headers, before it answers as it should.
    `asked`: the paths of all requests. `after`: called when an answer was made, before it is sent.
    """

    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), _Handler)
        self.url = f"http://127.0.0.1:{self.server_port}"
        self.apps: dict[str, dict[str, str]] = {}
        self.tokens: dict[str, set[str]] = {}
        self.moods: list[tuple[int, dict[str, str]]] = []
        self.asked: list[str] = []
        self.after = lambda: None
        threading.Thread(target=self.serve_forever, args=(0.01,), daemon=True).start()  # seconds until it sees its end

    def close(self) -> None:
        self.shutdown()
        self.server_close()


class _Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        self.server.asked.append(self.path)
        if self.server.moods:
            status, headers = self.server.moods.pop(0)
            self._answer(status, {"id": "mood", "message": "not now"}, headers)
            return
        found = self._found()
        self.server.after()
        self._answer(*found)

    def _found(self) -> tuple[int, dict]:
        if self.headers.get("Accept") != "application/vnd.heroku+json; version=3":
            return 400, {"id": "bad_request", "message": "Unknown version."}
        token = (self.headers.get("Authorization") or "").removeprefix("Bearer ")
        if token not in self.server.tokens:
            return 401, {"id": "unauthorized", "message": "Invalid credentials provided."}
        match = re.fullmatch(r"/apps/([a-z0-9-]+)/config-vars", self.path)
        if match is None or match[1] not in self.server.apps:
            return 404, {"id": "not_found", "message": "Couldn't find that app."}
        if match[1] not in self.server.tokens[token]:
            return 403, {"id": "forbidden", "message": "You do not have access to the app."}
        return 200, dict(self.server.apps[match[1]])

    def _answer(self, status: int, body: object, headers: dict[str, str] | None = None) -> None:
        data = json.dumps(body).encode()
        self.send_response(status)
        for name, value in {"Content-Length": str(len(data)), **(headers or {})}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *words):
        """Nothing: its log would stand in the tests' output."""
