"""Which addresses may be asked for a file: an address in a row must not lead into our internal network."""

import ipaddress
import socket
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from urllib.parse import SplitResult, urlsplit

from psynetdata.infra.local_addresses import (
    NEVER_PUBLIC,
    UnknownHost,
    addresses_of,
    inner,
    is_local,
    may_mislead,
)

from .base import FileMissing, TransferFailed

_PORTS = (80, 443)
_REFUSED = "its address is not one that this deployment allows"


@dataclass(frozen=True)
class Addresses:
    """`listed`: hosts that rows may name (`media.lab.org`, `10.0.0.5:8080`, `*.lab.org`), also internal ones.

    If none are listed, every public address may be asked, on the ports of the web. `own`: (host, port) of addresses
    that the deployment's administrators named; these are always allowed.
    """

    listed: tuple[str, ...] = ()
    own: frozenset[tuple[str, int]] = field(default_factory=frozenset)

    def check(self, url: SplitResult) -> None:
        """Raise FileMissing for an address that must not be asked; this does not use the network."""
        if url.scheme not in ("http", "https") or not url.hostname:
            raise FileMissing("its address is not one that files can be fetched from")
        if not (self._is_named(url.hostname, port_of(url)) or (not self.listed and port_of(url) in _PORTS)):
            raise FileMissing(_REFUSED)

    def resolved(self, host: str, port: int) -> Iterator[str]:
        """Yield the host's IP addresses, which the caller must use instead of its name: a second look-up could differ.

        Raises FileMissing at the first one that is not allowed, and TransferFailed if the name is not known.
        """
        named = self._is_named(host, port)
        try:
            resolved = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError):
            raise TransferFailed("the name of its server is not known", unreachable=True) from None
        misled = named and may_mislead(host)
        for *_, (address, *_) in resolved:
            if not (named or is_public(address)):
                raise FileMissing(_REFUSED)
            if misled and is_local(address):  # an allowed name that now leads to this machine
                raise FileMissing(_REFUSED)
            yield address

    def _is_named(self, host: str, port: int) -> bool:
        host = host.lower().rstrip(".")
        return (host, port) in self.own or any(_matches(entry, host, port) for entry in self.listed)


def port_of(url: SplitResult) -> int:
    try:
        return url.port or (443 if url.scheme == "https" else 80)
    except ValueError:
        raise FileMissing("its address is not one that files can be fetched from") from None


def check_endpoint(url: str) -> None:
    """Raise UsageError if an S3 server's name leads to this machine. boto3 looks it up again when it connects."""
    host = urlsplit(url).hostname or ""
    with suppress(UnknownHost):
        addresses_of(host, 0)


def is_public(address: str) -> bool:
    """Return whether an IP address is public, also if it is embedded in another one."""
    ip = ipaddress.ip_address(address.partition("%")[0])
    if ip.version == 6 and any(ip in network for network in NEVER_PUBLIC):
        return False
    hidden = inner(ip)
    if hidden is not None:
        return is_public(str(hidden))
    return ip.is_global and not ip.is_multicast


def _matches(entry: str, host: str, port: int) -> bool:
    name, _, wanted = _parted(entry)
    if wanted and int(wanted) != port:
        return False
    return host == name or (name.startswith("*.") and host.endswith(name[1:]))


def _parted(entry: str) -> tuple[str, str, str]:
    """Split an entry: "[::1]:80" → ("::1", ":", "80")."""
    if entry.startswith("["):
        host, _, rest = entry[1:].partition("]")
        return host, ":", rest.removeprefix(":")
    return entry.partition(":") if entry.count(":") == 1 else (entry, "", "")
