"""Asking another machine's HTTP API: one host, no redirects, so that a token goes nowhere but where it was meant to."""

import http.client
import json
import ssl
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from urllib.parse import urlsplit

LONGEST = 4 << 20  # bytes of an answer that is not a file
_LOST = (http.client.HTTPException, OSError, UnicodeError)  # the last of a host that no name service could know


class NoAnswer(Exception):
    """Nothing came that can be read; str() is the reason, in words that follow a name: "it cannot be reached"."""


@dataclass(frozen=True)
class Answer:
    status: int
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> object:
        """Its body; None where that is no JSON."""
        try:
            return json.loads(self.body)
        except (ValueError, RecursionError):
            return None

    @property
    def retry_after(self) -> float | None:
        """Seconds that it asks to wait; None where it does not say."""
        seconds = self.headers.get("Retry-After", "")
        return float(seconds) if seconds.isdecimal() else None


class WebAPI:
    """`base`: http:// or https://, a host, a path; `headers` go along with every request."""

    def __init__(self, base: str, headers: Mapping[str, str], *, timeout: float = 30.0):
        self._url = urlsplit(base)
        self._headers = {"User-Agent": "psynetdata", "Accept-Encoding": "identity", **headers}
        self._timeout = timeout

    def ask(self, method: str, path: str, body: object = None) -> Answer:
        """One request, `body` as JSON, and its whole answer. Raises NoAnswer."""
        headers = {} if body is None else {"Content-Type": "application/json"}
        data = None if body is None else json.dumps(body).encode()
        with self.open(method, path, headers, data) as answer:
            return Answer(answer.status, answer.headers, read(answer, LONGEST))

    @contextmanager
    def open(
        self, method: str, path: str, headers: Mapping[str, str] | None = None, body: bytes | None = None
    ) -> Iterator[http.client.HTTPResponse]:
        """The answer while it comes, to be taken with `read`. Raises NoAnswer."""
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
    """So many bytes, or fewer at its end. Raises NoAnswer where it breaks off before."""
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
