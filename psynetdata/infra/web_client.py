"""A client for another machine's HTTP API: one host, no redirects, so that a token is sent only to that host."""

import http.client
import json
import ssl
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from urllib.parse import urlsplit

LONGEST = 4 << 20  # bytes of a response that is not a file
_LOST = (http.client.HTTPException, OSError, UnicodeError)  # UnicodeError: an impossible host name


class NoAnswer(Exception):
    """There is no readable response; str() is the reason, in words that follow a name: "it cannot be reached"."""


@dataclass(frozen=True)
class Answer:
    status: int
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> object:
        """Return the decoded body; None if it is not JSON."""
        try:
            return json.loads(self.body)
        except (ValueError, RecursionError):
            return None

    @property
    def retry_after(self) -> float | None:
        """Seconds to wait, from the header Retry-After; None without it."""
        seconds = self.headers.get("Retry-After", "")
        return float(seconds) if seconds.isdecimal() else None


class WebAPI:
    """`base`: http:// or https://, a host, a path; `headers` are sent with every request."""

    def __init__(self, base: str, headers: Mapping[str, str], *, timeout: float = 30.0):
        self._url = urlsplit(base)
        self._headers = {"User-Agent": "psynetdata", "Accept-Encoding": "identity", **headers}
        self._timeout = timeout

    def ask(self, method: str, path: str, body: object = None) -> Answer:
        """Send one request, with `body` as JSON, and return the whole response. Raises NoAnswer."""
        headers = {} if body is None else {"Content-Type": "application/json"}
        data = None if body is None else json.dumps(body).encode()
        with self.open(method, path, headers, data) as answer:
            return Answer(answer.status, answer.headers, read(answer, LONGEST))

    @contextmanager
    def open(
        self, method: str, path: str, headers: Mapping[str, str] | None = None, body: bytes | None = None
    ) -> Iterator[http.client.HTTPResponse]:
        """Open a response as a stream, for `read`. Raises NoAnswer."""
        secure = self._url.scheme == "https"
        kind = http.client.HTTPSConnection if secure else http.client.HTTPConnection
        line = kind(self._url.hostname, self._url.port, timeout=self._timeout)
        try:
            try:
                line.request(method, self._url.path.rstrip("/") + path, body, {**self._headers, **(headers or {})})
                answer = line.getresponse()
            except _LOST as error:
                raise NoAnswer(_reason(error)) from None
            yield answer
        finally:
            line.close()


def read(answer: http.client.HTTPResponse, size: int) -> bytes:
    """Read up to `size` bytes; fewer only at the end. Raises NoAnswer if the connection is lost before that."""
    try:
        return answer.read(size)
    except _LOST as error:
        raise NoAnswer(_reason(error)) from None


def _reason(error: Exception) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        return "its certificate cannot be trusted"
    if isinstance(error, TimeoutError):
        return "it does not answer"
    if isinstance(error, http.client.HTTPException | ssl.SSLError | ConnectionResetError | BrokenPipeError):
        return "the connection broke"
    return "it cannot be reached"
