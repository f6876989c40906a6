"""Files behind HTTP: each step of a redirect is checked, and no address is asked that is not allowed.

Neither Django nor django-storages has a backend for reading from the web.
"""

import http.client
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import SplitResult, quote, urljoin, urlsplit

from psynetdata.psynet.csvtext import BLOCK

from .allowed_addresses import Addresses, port_of
from .base import FileMissing, Session, Stream, TransferFailed, Unchanged, checked, exactly

_HOPS = 5
_LONGEST_PAUSE = 60.0  # seconds that a server may ask us to wait
_REDIRECTS = (301, 302, 303, 307, 308)
_KEPT_IN_QUOTES = "/%:=&?~+!$,;'@()*[]"
_LOST = (http.client.HTTPException, ssl.SSLError, ConnectionError, TimeoutError)


class WebSession(Session):
    """`base`: the address that paths are relative to, empty if only whole addresses are used.

    `authorization`: a header that is sent to the host of `base` only.
    """

    may_send_pages = True

    def __init__(self, base: str, addresses: Addresses, *, authorization: str = "", timeout: float = 30.0):
        self._base, self._addresses, self._timeout = base, addresses, timeout
        self._authorization = authorization
        self._lines: dict[tuple[str, str, int], http.client.HTTPConnection] = {}

    @contextmanager
    def open(self, path: str, *, start: int = 0, version: str = "", known: str = "") -> Iterator[Stream]:
        address = f"{self._base.rstrip('/')}/{quote(checked(path))}" if self._base else path
        with self.open_address(address, start=start, version=version, known=known) as stream:
            yield stream

    @contextmanager
    def open_address(self, address: str, *, start: int = 0, version: str = "", known: str = "") -> Iterator[Stream]:
        headers = {"Accept-Encoding": "identity", "User-Agent": "psynetdata"}
        if start and version and not version.startswith("W/"):
            headers |= {"Range": f"bytes={start}-", "If-Range": version}
        if known:
            headers["If-None-Match" if known.startswith(('"', "W/")) else "If-Modified-Since"] = known
        answer, key = self._follow(_split(address), headers)
        try:
            _check(answer)
            begins, size = _extent(answer, start)
            yield Stream(
                exactly(_blocks(answer), None if size is None else size - begins),
                begins,
                size,
                answer.headers.get("ETag") or answer.headers.get("Last-Modified") or "",
                answer.headers.get_content_type() if "Content-Type" in answer.headers else "",
            )
        finally:
            if not answer.isclosed():  # there is more to come that is not needed
                self._lines.pop(key).close()

    def list_files(self, path: str) -> list[str] | None:
        raise FileMissing("it is a folder, and a web server does not list a folder's files")

    def close(self) -> None:
        for line in self._lines.values():
            line.close()
        self._lines.clear()

    def _follow(self, url: SplitResult, headers: dict[str, str]) -> tuple[http.client.HTTPResponse, tuple]:
        seen = set()
        while True:
            self._addresses.check(url)
            answer, key = self._ask(url, headers)
            if answer.status not in _REDIRECTS:
                return answer, key
            self._lines.pop(key).close()
            seen.add(url.geturl())
            onward = _split(urljoin(url.geturl(), answer.headers.get("Location") or ""))
            if onward.geturl() in seen or len(seen) > _HOPS:
                raise FileMissing("its address redirects in a circle")
            if url.scheme == "https" and onward.scheme != "https":
                raise FileMissing("its address redirects from an encrypted connection to an unencrypted one")
            url = onward

    def _ask(self, url: SplitResult, headers: dict[str, str]) -> tuple[http.client.HTTPResponse, tuple]:
        key = (url.scheme, url.hostname, port_of(url))
        if self._authorization and key == _place(urlsplit(self._base)):
            headers = headers | {"Authorization": self._authorization}
        target = quote(url.path or "/", safe=_KEPT_IN_QUOTES) + (
            "?" + quote(url.query, safe=_KEPT_IN_QUOTES) if url.query else ""
        )
        for again in (True, False):
            kept = key in self._lines
            line = self._lines[key] if kept else self._connect(key)
            try:
                line.request("GET", target, headers=headers)
                return line.getresponse(), key
            except _LOST as error:
                line.close()
                self._lines.pop(key, None)
                # A server may close a kept-open connection at any moment.
                if again and kept and not isinstance(error, TimeoutError):
                    continue
                raise _lost(error) from None
        raise AssertionError("one of the two attempts returns or raises")

    def _connect(self, key: tuple[str, str, int]) -> http.client.HTTPConnection:
        scheme, host, port = key
        kind = http.client.HTTPSConnection if scheme == "https" else http.client.HTTPConnection
        line = kind(host, port, timeout=self._timeout)
        line._create_connection = lambda *_: self._addresses.connect(host, port, self._timeout)
        try:
            line.connect()
        except _LOST as error:
            line.close()
            raise _lost(error) from None
        self._lines[key] = line
        return line


def _lost(error: Exception) -> TransferFailed | FileMissing:
    if isinstance(error, ssl.SSLCertVerificationError):
        return FileMissing("the certificate of its server cannot be trusted")
    if isinstance(error, TimeoutError):
        return TransferFailed("its server does not answer", unreachable=True)
    return TransferFailed("the connection to its server broke", unreachable=True)


def _split(address: str) -> SplitResult:
    try:
        url = urlsplit(address)
    except ValueError:
        raise FileMissing("its address is not one that files can be fetched from") from None
    if any(ord(letter) < 33 or ord(letter) == 127 for letter in url.netloc):
        raise FileMissing("its address is not one that files can be fetched from")
    return url._replace(fragment="")


def _place(url: SplitResult) -> tuple[str, str, int]:
    return (url.scheme, url.hostname, port_of(url))


def _check(answer: http.client.HTTPResponse) -> None:
    """Raise an exception for an answer without a file."""
    status = answer.status
    if status == 304:
        raise Unchanged
    if status in (404, 410):
        raise FileMissing("there is no such file")
    if status in (401, 403):
        raise FileMissing("permission to read it was denied")
    if status in (412, 416):
        raise TransferFailed("it changed while it was read", restart=True)
    if status == 429 or status >= 500:
        raise TransferFailed("its server is overloaded or failing", after=_asked_pause(answer))
    if status not in (200, 206):
        raise FileMissing(f"its server answered with status {status}")


def _asked_pause(answer: http.client.HTTPResponse) -> float:
    seconds = answer.headers.get("Retry-After", "")
    return min(float(seconds), _LONGEST_PAUSE) if seconds.isdecimal() else 0.0


def _extent(answer: http.client.HTTPResponse, start: int) -> tuple[int, int | None]:
    """Return (the byte at which it begins, the size of the whole file or None)."""
    length = answer.headers.get("Content-Length", "")
    size = int(length) if length.isdecimal() else None
    if answer.status != 206:
        return 0, size
    header = answer.headers.get("Content-Range", "")
    if not header.startswith(f"bytes {start}-"):
        raise TransferFailed("its server sent another part than the requested one", restart=True)
    return start, None if size is None else start + size


def _blocks(answer: http.client.HTTPResponse) -> Iterator[bytes]:
    try:
        while block := answer.read(BLOCK):
            yield block
    except _LOST as error:
        timed_out = isinstance(error, TimeoutError)
        raise TransferFailed("its server stopped sending" if timed_out else "it ended too early") from None
