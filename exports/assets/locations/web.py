"""Files behind HTTP: each step of a redirect is checked, and no address is asked that is not allowed.

Neither Django nor django-storages has a backend for reading from the web.
"""

import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import SplitResult, quote, urljoin, urlsplit

from urllib3 import BaseHTTPResponse, HTTPConnectionPool, HTTPSConnectionPool
from urllib3.exceptions import ConnectTimeoutError, HTTPError, NewConnectionError, ReadTimeoutError, SSLError

from psynetdata.psynet.csvtext import BLOCK

from .allowed_addresses import Addresses, port_of
from .base import FileMissing, Session, Stream, TransferFailed, Unchanged, checked, exactly

_HOPS = 5
_LONGEST_PAUSE = 60.0  # seconds that a server may ask us to wait
_REDIRECTS = (301, 302, 303, 307, 308)
_PORTS = {"http": 80, "https": 443}
_NOT_REACHED = (NewConnectionError, ConnectTimeoutError)
Origin = tuple[str, str, int]  # scheme, host, port


class WebSession(Session):
    """`base`: the address that paths are relative to, empty if only whole addresses are used.

    `authorization`: a header that is sent to the host of `base` only.
    """

    may_send_pages = True

    def __init__(self, base: str, addresses: Addresses, *, authorization: str = "", timeout: float = 30.0):
        self._base, self._addresses, self._timeout = base, addresses, timeout
        self._authorization = authorization
        # Each pool is for one address of the host, so that nobody looks up the name again after it was checked.
        self._pools: dict[Origin, HTTPConnectionPool] = {}

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
        answer = self._follow(_split(address), headers)
        try:
            _check(answer)
            begins, size = _extent(answer, start)
            yield Stream(
                exactly(_blocks(answer), None if size is None else size - begins),
                begins,
                size,
                answer.headers.get("ETag") or answer.headers.get("Last-Modified") or "",
                answer.headers.get("Content-Type", "").partition(";")[0].strip().lower(),
            )
        finally:
            answer.close()  # ends the connection too if there is more to come

    def list_files(self, path: str) -> list[str] | None:
        raise FileMissing("it is a folder, and a web server does not list a folder's files")

    def close(self) -> None:
        for pool in self._pools.values():
            pool.close()
        self._pools.clear()

    def _follow(self, url: SplitResult, headers: dict[str, str]) -> BaseHTTPResponse:
        seen = set()
        while True:
            self._addresses.check(url)
            answer = self._ask(url, headers)
            if answer.status not in _REDIRECTS:
                return answer
            answer.close()
            seen.add(url.geturl())
            onward = _split(urljoin(url.geturl(), answer.headers.get("Location") or ""))
            if onward.geturl() in seen or len(seen) > _HOPS:
                raise FileMissing("its address redirects in a circle")
            if url.scheme == "https" and onward.scheme != "https":
                raise FileMissing("its address redirects from an encrypted connection to an unencrypted one")
            url = onward

    def _ask(self, url: SplitResult, headers: dict[str, str]) -> BaseHTTPResponse:
        origin = _origin(url)
        if self._authorization and origin == _origin(urlsplit(self._base)):
            headers = headers | {"Authorization": self._authorization}
        target = (url.path or "/") + (f"?{url.query}" if url.query else "")
        for pool, was_open in self._pools_for(origin):
            try:
                answer = pool.urlopen(
                    "GET",
                    target,
                    headers=headers | {"Host": _host_header(origin)},
                    retries=False,
                    redirect=False,
                    preload_content=False,
                    decode_content=False,
                )
            except HTTPError as error:
                pool.close()
                # A server may close a kept-open connection at any moment. Otherwise, only its next address is tried.
                if isinstance(error, ReadTimeoutError) or not (was_open or isinstance(error, _NOT_REACHED)):
                    raise _lost(error) from None
            else:
                self._pools[origin] = pool
                return answer
        raise TransferFailed("its server cannot be reached", unreachable=True)

    def _pools_for(self, origin: Origin) -> Iterator[tuple[HTTPConnectionPool, bool]]:
        """Yield (pool, whether it was used before): the one that was kept, then one for each allowed address.

        These pools never use a proxy: it would look up names itself.
        """
        scheme, host, port = origin
        if (kept := self._pools.pop(origin, None)) is not None:
            yield kept, True
        for address in self._addresses.resolved(host, port):
            if scheme == "https":
                name = _ascii(host)  # which the server must have a certificate for
                yield HTTPSConnectionPool(address, port, timeout=self._timeout, server_hostname=name), False
            else:
                yield HTTPConnectionPool(address, port, timeout=self._timeout), False


def _host_header(origin: Origin) -> str:
    scheme, host, port = origin
    name = f"[{host}]" if ":" in host else _ascii(host)
    return name if port == _PORTS[scheme] else f"{name}:{port}"


def _ascii(host: str) -> str:
    return host.encode("idna").decode("ascii")


def _lost(error: HTTPError) -> TransferFailed | FileMissing:
    if isinstance(error, SSLError) and isinstance(error.args[0], ssl.SSLCertVerificationError):
        return FileMissing("the certificate of its server cannot be trusted")
    if isinstance(error, ReadTimeoutError):
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


def _origin(url: SplitResult) -> Origin:
    return (url.scheme, url.hostname or "", port_of(url))


def _check(answer: BaseHTTPResponse) -> None:
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


def _asked_pause(answer: BaseHTTPResponse) -> float:
    seconds = answer.headers.get("Retry-After", "")
    return min(float(seconds), _LONGEST_PAUSE) if seconds.isdecimal() else 0.0


def _extent(answer: BaseHTTPResponse, start: int) -> tuple[int, int | None]:
    """Return (the byte at which it begins, the size of the whole file or None)."""
    length = answer.headers.get("Content-Length", "")
    size = int(length) if length.isdecimal() else None
    if answer.status != 206:
        return 0, size
    header = answer.headers.get("Content-Range", "")
    if not header.startswith(f"bytes {start}-"):
        raise TransferFailed("its server sent another part than the requested one", restart=True)
    return start, None if size is None else start + size


def _blocks(answer: BaseHTTPResponse) -> Iterator[bytes]:
    try:
        while block := answer.read(BLOCK):
            yield block
    except HTTPError as error:
        timed_out = isinstance(error, ReadTimeoutError)
        raise TransferFailed("its server stopped sending" if timed_out else "it ended too early") from None
